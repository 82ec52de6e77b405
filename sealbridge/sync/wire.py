"""What every model of a spec has in common. Knows no field."""

from __future__ import annotations

import msgspec


class Model(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of a spec: camelCase on the wire, unknown fields refused."""
