"""What a Secret becomes when something is pushed into it or taken out. Pure; sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import msgspec

from sealbridge.errors import Invalid, ManifestError
from sealbridge.secret import Secret, check_item_key
from sealbridge.stores.base import Push, Target
from sealbridge.stores.config import read_config
from sealbridge.stores.trust import Model

_WHERE = "metadata.spec"


class PushMetadata(Model, frozen=True):
    """The spec of a PushSecretMetadata for this provider."""

    source_merge_policy: Literal["Merge", "Replace"] = "Merge"
    target_merge_policy: Literal["Merge", "Replace", "Ignore"] = "Merge"
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    remote_namespace: str = ""


def read_metadata(metadata: Mapping[str, Any]) -> PushMetadata:
    """Raises Invalid that names the field."""
    return read_config(metadata, PushMetadata, _WHERE)


def pushed(push: Push, existing: Secret | None, namespace: str, metadata: PushMetadata) -> Secret:
    """The Secret after the push. Raises Invalid.

    With a property that one item changes; without one all items are replaced by those of the source.
    """
    target, source = push.target, push.source
    if target.property:
        _check_item(target.property)
        items = dict(existing.items) if existing is not None else {}
        items[target.property] = push.value()
    elif push.item:
        raise Invalid(
            f'key "{push.item}" needs a property to be pushed to', hint="set match.remoteRef.property"
        )
    else:
        items = dict(source.items)
    before = existing or Secret(name=target.key, namespace=namespace, type=source.type or "Opaque")
    return replace(
        before,
        items=items,
        labels=_merged(before.labels, source.labels, metadata.labels, metadata),
        annotations=_merged(before.annotations, source.annotations, metadata.annotations, metadata),
    )


def without(existing: Secret, target: Target) -> Secret | None:
    """The Secret without the target, or None when nothing of it is left."""
    items = {key: value for key, value in existing.items.items() if key != target.property}
    return replace(existing, items=items) if target.property and items else None


def _merged(
    there: Mapping[str, str], source: Mapping[str, str], given: Mapping[str, str], policies: PushMetadata
) -> dict[str, str]:
    if policies.target_merge_policy == "Ignore":
        return dict(there)
    ours = {**(source if policies.source_merge_policy == "Merge" else {}), **given}
    # What kubectl remembers of the source holds values, and is not true of the target.
    ours.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    return ours if policies.target_merge_policy == "Replace" else {**there, **ours}


def _check_item(key: str) -> None:
    try:
        check_item_key(key)
    except ManifestError as error:
        raise Invalid(error.what, hint=error.hint) from None
