"""What names of objects and keys may be in a schema, and how a field is described. Knows no kind.

Limits are those of upstream's schema, so that what one API server takes the other takes as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
NAME = {"minLength": 1, "maxLength": 253, "pattern": rf"^{_LABEL}(\.{_LABEL})*$"}
NAMESPACE = {"minLength": 1, "maxLength": 63, "pattern": f"^{_LABEL}$"}
ITEM_KEY = {"minLength": 1, "maxLength": 253, "pattern": "^[-._a-zA-Z0-9]+$"}

# Of a class, by the names that its fields have in a manifest.
Fields = Mapping[type, Mapping[str, Mapping[str, Any]]]


def told(description: str, limits: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """A field with its description and its limits, as a schema has them."""
    return {"description": description, **(limits or {})}
