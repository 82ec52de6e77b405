"""What `sealbridge render` shows: the plan on stdout, as text or JSON, and errors on stderr. Asks nobody.

Without `reveal` no value is shown, nor its length, nor a digest of it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sealbridge.errors import SealbridgeError
from sealbridge.reconcile.rendering import Change, Difference, Rendered, Result
from sealbridge.secret import Value
from sealbridge_cli import console

_MASK = "********"
_SIGNS = {Change.ADDED: "+", Change.CHANGED: "~", Change.SAME: "=", Change.REMOVED: "-"}
_SAYS = {
    Result.CREATED: "would be created",
    Result.UPDATED: "would be updated",
    Result.UNCHANGED: "would stay as it is",
    Result.DELETED: "would be deleted",
    Result.KEPT: "would stay as it is",
    Result.ABSENT: "is not there, and would not be created",
}


class Line(NamedTuple):
    """One document: its place among all, where it stands, and what became of it.

    `rendered` is None of what could not be told to be an ExternalSecret; then `error` says why.
    """

    number: int
    where: str
    rendered: Rendered | None
    error: SealbridgeError | None = None

    @property
    def failure(self) -> SealbridgeError | None:
        """What went wrong, if something did."""
        return self.rendered.error if self.rendered is not None else self.error

    @property
    def failed(self) -> bool:
        """Whether something went wrong."""
        return self.failure is not None

    @property
    def differs(self) -> bool:
        """Whether a refresh would change anything."""
        return self.rendered is not None and self.rendered.differs


def show(lines: Sequence[Line], *, as_json: bool, reveal: bool) -> None:
    """All of it: the plan first, then what went wrong."""
    if as_json:
        document = {
            "ok": not any(line.failed for line in lines),
            "differs": any(line.differs for line in lines),
            "externalSecrets": [_object(line, reveal=reveal) for line in lines],
        }
        console.data(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    else:
        told = [text for line in lines if line.rendered for text in _text(line.rendered, reveal=reveal)]
        console.data("".join(f"{console.clean(text)}\n" for text in told))
    for line in lines:
        if line.failure is not None:
            where = f"{line.rendered.key} ({line.where})" if line.rendered is not None else line.where
            what = str(line.failure) if line.rendered is not None else line.failure.what
            console.error(SealbridgeError(what, where=where, hint=line.failure.hint))
            if line.failure.__cause__ is not None:
                console.traceback(line.failure.__cause__)


def _text(rendered: Rendered, *, reveal: bool) -> Iterator[str]:
    yield f"{rendered.key}: {_headline(rendered)}"
    for name, (before, after) in (rendered.fields or {}).items():
        sign = "~" if before and after else "+" if after else "-"
        yield f"  {sign} {name} {' -> '.join(filter(None, (before, after)))}"
    for field, differences in _parts(rendered):
        for one in differences:
            yield f"  {_SIGNS[one.change]} {field} {one.key}  {_shown(one) if reveal else _MASK}"
    if rendered.former is not None:
        yield f"  - Secret {rendered.former} of the former target name would be deleted"
    for note in rendered.notes:
        yield f"  note: {note}"


def _headline(rendered: Rendered) -> str:
    if rendered.result is Result.FAILED:
        return "cannot be rendered"
    if rendered.result is Result.SKIPPED:
        return "would be passed over"
    if rendered.target is None:
        return "makes no Secret (creationPolicy None); its stores give"
    return f"Secret {rendered.target.namespace}/{rendered.target.name} {_SAYS[rendered.result]}"


def _parts(rendered: Rendered) -> tuple[tuple[str, tuple[Difference, ...]], ...]:
    return (
        ("data", rendered.items),
        ("label", rendered.labels),
        ("annotation", rendered.annotations),
    )


def _shown(one: Difference) -> str:
    """Both values, quoted, so that they stay on their line."""
    before = "" if one.before is None else _quoted(one.before)
    after = "" if one.after is None else _quoted(one.after)
    if one.change is Change.CHANGED:
        return f"{before} -> {after}"
    return after or before


def _quoted(value: Value) -> str:
    plain = _plain(value)
    return json.dumps(plain["text"], ensure_ascii=False) if "text" in plain else f"base64 {plain['base64']}"


def _plain(value: Value) -> dict[str, str]:
    data = value.reveal()
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _object(line: Line, *, reveal: bool) -> dict[str, Any]:
    rendered = line.rendered
    if rendered is None:
        return {"file": line.where, "result": Result.FAILED.value, "error": _error(line.error)}
    return {
        "namespace": rendered.key.namespace,
        "name": rendered.key.name,
        "file": line.where,
        "result": rendered.result.value,
        "secret": rendered.target.name if rendered.target else None,
        "differs": rendered.differs,
        "fields": {
            name: {"before": before or None, "after": after or None}
            for name, (before, after) in (rendered.fields or {}).items()
        },
        "data": _entries(rendered.items, reveal=reveal),
        "labels": _entries(rendered.labels, reveal=reveal),
        "annotations": _entries(rendered.annotations, reveal=reveal),
        "deletesFormer": rendered.former,
        "notes": list(rendered.notes),
        "error": _error(rendered.error),
    }


def _entries(differences: Sequence[Difference], *, reveal: bool) -> list[dict[str, Any]]:
    return [
        {
            "key": one.key,
            "change": one.change.value,
            **({"before": _plain(one.before)} if reveal and one.before is not None else {}),
            **({"after": _plain(one.after)} if reveal and one.after is not None else {}),
        }
        for one in differences
    ]


def _error(error: SealbridgeError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {"class": type(error).__name__, "where": error.where, "what": error.what, "hint": error.hint}
