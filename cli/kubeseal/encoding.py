"""Objects as kubeseal writes them, byte for byte: Go's JSON with fields in their declared order, or the YAML
that sigs.k8s.io/yaml makes of it. Knows the fields of SealedSecret and Secret, not their meaning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cmp_to_key
from typing import Any

from sealbridge.errors import SealbridgeError

# What a metadata may hold and in which order; others are unknown to kubeseal, and it leaves them out.
_METADATA = (
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)
_OWNER = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPED = re.compile("[<>&\u2028\u2029]")

_WIDTH = 80  # of plain text in YAML, which is folded from here on, at its spaces
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_TIME = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:[Tt ]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d{2}:\d{2})?)?", re.ASCII
)


def encode(objects: Iterable[Mapping[str, Any]], format_: str) -> str:
    """The documents in `json` or `yaml`, whatever the case. Raises SealbridgeError for another format."""
    format_ = format_.lower()
    if format_ not in ("", "json", "yaml"):
        raise SealbridgeError(f"unsupported output format: {format_}")
    return "".join(_yaml(one) if format_ == "yaml" else _json(one) for one in objects)


def metadata(fields: Mapping[str, Any], *, leave_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The known fields in their order; empty ones are left out, as Go does."""
    made: dict[str, Any] = {}
    for name in _METADATA:
        value = fields.get(name)
        if name in leave_out or value in (None, "", 0, {}, []):
            continue
        if name in ("labels", "annotations"):
            value = dict(sorted(value.items()))
        elif name == "ownerReferences" and isinstance(value, list):
            value = [{key: owner[key] for key in _OWNER if key in owner} for owner in value]
        made[name] = value
    return made


def sealed_secret(outer: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """A SealedSecret of finished parts; `spec` has `template`, `encryptedData` and perhaps `data`."""
    template = spec.get("template") or {}
    made: dict[str, Any] = {"metadata": metadata(template.get("metadata") or {})}
    for name in ("type", "immutable"):
        if template.get(name) not in (None, ""):
            made[name] = template[name]
    if template.get("data"):
        made["data"] = dict(sorted(template["data"].items()))
    legacy = {"data": spec["data"]} if spec.get("data") else {}
    return {
        "kind": "SealedSecret",
        "apiVersion": "bitnami.com/v1alpha1",
        "metadata": metadata(outer),
        "spec": {
            "template": made,
            **legacy,
            "encryptedData": dict(sorted((spec.get("encryptedData") or {}).items())),
        },
    }


def secret(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret."""
    made: dict[str, Any] = {"kind": "Secret", "apiVersion": "v1", "metadata": metadata(manifest["metadata"])}
    if manifest.get("immutable") is not None:
        made["immutable"] = manifest["immutable"]
    if manifest.get("data"):
        made["data"] = dict(sorted(manifest["data"].items()))
    if manifest.get("type"):
        made["type"] = manifest["type"]
    return made


def _json(obj: Mapping[str, Any]) -> str:
    text = json.dumps(obj, indent=2, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text) + "\n"


def _yaml(obj: Mapping[str, Any]) -> str:
    import yaml

    text: str = yaml.emit(_events(obj), Dumper=yaml.CSafeDumper, width=_WIDTH, allow_unicode=True)
    # libyaml marks the end of a document behind text that ends in empty lines; Go does not.
    return "---\n" + (text.removesuffix("...\n") if text.endswith("\n...\n") else text)


def _events(value: Any) -> Iterator[Any]:
    import yaml

    yield yaml.StreamStartEvent()
    yield yaml.DocumentStartEvent(explicit=False)
    yield from _value_events(value)
    yield yaml.DocumentEndEvent(explicit=False)
    yield yaml.StreamEndEvent()


def _value_events(value: Any) -> Iterator[Any]:
    import yaml

    if isinstance(value, Mapping):
        yield yaml.MappingStartEvent(None, None, implicit=True, flow_style=not value)
        for key in sorted(value, key=_NATURAL):
            yield _text_event(key)
            yield from _value_events(value[key])
        yield yaml.MappingEndEvent()
    elif isinstance(value, list):
        yield yaml.SequenceStartEvent(None, None, implicit=True, flow_style=not value)
        for entry in value:
            yield from _value_events(entry)
        yield yaml.SequenceEndEvent()
    elif isinstance(value, str):
        yield _text_event(value)
    else:
        yield yaml.ScalarEvent(None, None, (True, True), json.dumps(value))


def _text_event(text: str) -> Any:
    import yaml

    from sealbridge.kubectl_yaml import resolve

    style = None
    if "\n" in text:
        style = "|"
    elif resolve(text) is not text or _BASE_60.fullmatch(text) or _TIME.fullmatch(text):
        style = '"'
    return yaml.ScalarEvent(None, None, (True, True), text, style=style)


def _compare(left: str, right: str) -> int:
    """The order of keys: letters come last, and numbers within the text go by their value."""
    for at, (mine, other) in enumerate(zip(left, right, strict=False)):
        if mine == other:
            continue
        if mine.isalpha() and other.isalpha():
            return -1 if mine < other else 1
        if mine.isalpha() or other.isalpha():
            return 1 if mine.isalpha() else -1
        return _compare_numbers(left, right, at)
    return len(left) - len(right)


def _compare_numbers(left: str, right: str, at: int) -> int:
    # A zero behind other digits is a digit of their number and no leading zero.
    before = left[:at].rstrip("0") if "0" in (left[at], right[at]) else ""
    lead = "1" if before[-1:].isdecimal() else ""
    mine, other = (lead + text[at:][: _digits(text[at:])] for text in (left, right))
    values = int(mine or "0"), int(other or "0")
    if values[0] != values[1]:
        return -1 if values[0] < values[1] else 1
    if len(mine) != len(other):
        return len(mine) - len(other)
    return -1 if left[at] < right[at] else 1


def _digits(text: str) -> int:
    return next((at for at, letter in enumerate(text) if not letter.isdecimal()), len(text))


_NATURAL = cmp_to_key(_compare)
