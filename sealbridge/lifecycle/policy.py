"""How new sealing keys are made, when, and which one is current. Knows no key and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sealbridge.sealing.keyring import Order, by_certificate

KEY_PREFIX = "sealed-secrets-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicy:
    """The defaults are the Sealed Secrets controller's.

    `renew_after` of zero is never. A current key from before `cutoff` is replaced at the start. `labels`
    and `annotations` go onto new key Secrets; the label that makes them keys cannot be overridden.
    """

    prefix: str = KEY_PREFIX
    bits: int = 4096
    valid_for: timedelta = timedelta(days=3650)
    renew_after: timedelta = timedelta(days=30)
    cutoff: datetime | None = None
    common_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    order: Order = by_certificate
