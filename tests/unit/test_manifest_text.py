"""Texts that are edited: the meaning is what was asked for, and everything else stays to the letter."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge import kubectl_yaml
from sealbridge.errors import ManifestError
from sealbridge.manifest_text import Change, ManifestText
from sealbridge.manifests import read_documents

HEAD = {"apiVersion": "v1", "kind": "Thing"}


def edit(text: str, obj: dict[str, Any] | None, index: int = 0, file: str = "f.yaml") -> str:
    edited = ManifestText(text.encode(), file=file).edited({index: Change(obj)})
    assert edited.flattened == ()
    return edited.data.decode()


def meaning(text: str, file: str = "f.yaml") -> list[dict[str, Any]]:
    return [document.obj for document in read_documents(text.encode(), file=file)]


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ("a: 1 # c\nb: 2\n", {"a": 5, "b": 2}, "a: 5 # c\nb: 2\n"),
        ("a: 'x' # c\n", {"a": "v"}, "a: v # c\n"),
        ("a:   x\n", {"a": "1"}, 'a:   "1"\n'),
        ("a: x", {"a": "x", "b": "v"}, "a: x\nb: v"),
        ("a: x # c\n# end\n", {"a": "x", "b": "v"}, "a: x # c\nb: v\n# end\n"),
        ("a: x\n# b's\nb: v\nc: z\n", {"a": "x", "c": "z"}, "a: x\n# b's\nc: z\n"),
        ("a:\n  b: x\n", {"a": {"b": "x", "c": "v"}}, "a:\n  b: x\n  c: v\n"),
        ("a:\n    b: x\n    # t\n", {"a": {"b": "x", "c": "v"}}, "a:\n    b: x\n    c: v\n    # t\n"),
        ("a:\n", {"a": {"c": "v"}}, "a:\n  c: v\n"),
        ("a: {}\nb: 1\n", {"a": {"c": "v"}, "b": 1}, "a:\n  c: v\nb: 1\n"),
        ("a: {b: x} # c\n", {"a": {"b": "x", "c": "v"}}, 'a: {b: x, "c": "v"} # c\n'),
        ("a: {b: x, c: v}\n", {"a": {"b": "x"}}, "a: {b: x}\n"),
        ("a: {b: x, c: v}\n", {"a": {"c": "z"}}, 'a: {c: "z"}\n'),
        ("a: | # c\n  one\n  two\n\nb: 1\n", {"a": "x", "b": 1}, "a: x # c\n\nb: 1\n"),
        ("a: |\n  one\n# c\nb: 1\n", {"a": "x", "b": 1}, "a: x\n# c\nb: 1\n"),
        ("a: >-\n  one\n  two\n", {"a": "x"}, "a: x\n"),
        ("a: x\r\n# c\r\nb: v\r\n", {"a": "x", "b": "v", "c": "z"}, "a: x\r\n# c\r\nb: v\r\nc: z\r\n"),
        ("a:\n- b: 1 # c\n- 2\n", {"a": [{"b": 3}, 2]}, "a:\n- b: 3 # c\n- 2\n"),
        ("a: &x v\nb: *x\n", {"a": "v", "b": "z"}, "a: &x v\nb: z\n"),
        ('"a": x\n', {"a": "v"}, '"a": v\n'),
        ("é: ü # ö\n", {"é": "ß"}, "é: ß # ö\n"),
        ("\ufeffa: x # c\n", {"a": "v"}, "\ufeffa: v # c\n"),
        ("a: x\n...\n", {"a": "v"}, "a: v\n...\n"),
        ("%YAML 1.1\n---\na: x # c\n", {"a": "v"}, "%YAML 1.1\n---\na: v # c\n"),
    ],
)
def test_only_what_differs_is_replaced(before: str, change: dict[str, Any], after: str) -> None:
    assert edit(before, change) == after


def test_other_documents_stay_to_the_letter_and_one_can_be_taken_out() -> None:
    text = "# one\na:   1\n---\n# two\nb: [ 1,2 ]\n---\n# three\nc: x\n"
    assert edit(text, {"c": "v"}, 2) == text.replace("c: x", "c: v")
    assert edit(text, None, 1) == "# one\na:   1\n---\n# three\nc: x\n"
    assert edit(text, None, 2) == "# one\na:   1\n---\n# two\nb: [ 1,2 ]\n"
    assert meaning(edit(text, None, 0)) == [{"b": [1, 2]}, {"c": "x"}]


def test_items_of_a_list_are_edited_where_they_stand() -> None:
    text = "kind: List\napiVersion: v1\nitems:\n# one\n- a: 1 # c\n  kind: A\n- kind: B\n  b: 1\n"
    assert edit(text, {"a": 2, "kind": "A"}, 0) == text.replace("a: 1", "a: 2")
    assert meaning(edit(text, None, 1)) == [{"a": 1, "kind": "A"}]
    other = "kind: SecretList\napiVersion: v1\nitems:\n- a: 1\n"
    assert edit(other, {"apiVersion": "v1", "kind": "Secret", "a": 2}) == other.replace("a: 1", "a: 2")


def test_what_is_too_unusual_is_written_anew_and_named() -> None:
    text = "base: &b\n  x: 1\na:\n  <<: *b\n  v: 2 # gone\n"
    result = ManifestText(text.encode(), file="f").edited({0: Change({"base": {"x": 1}, "a": {"v": 2}})})
    assert meaning(result.data.decode()) == [{"base": {"x": 1}, "a": {"v": 2}}]
    assert [document.where for document in result.flattened] == ["f: document 1, line 1"]


@pytest.mark.parametrize("indent", [None, 2, 4, "\t"])
def test_json_keeps_its_layout_and_the_order_of_its_keys(indent: int | str | None) -> None:
    old = {"kind": "A", "apiVersion": "v1", "z": {"b": 1, "a": "é"}}
    new = {"apiVersion": "v1", "kind": "A", "z": {"a": "é", "b": 2, "c": 3}}
    text = json.dumps(old, indent=indent, ensure_ascii=False) + "\n" + json.dumps(old) + "\n"
    edited = edit(text, new, 0, "f.json")
    wanted = {"kind": "A", "apiVersion": "v1", "z": {"b": 2, "a": "é", "c": 3}}
    assert edited == json.dumps(wanted, indent=indent, ensure_ascii=False) + "\n" + json.dumps(old) + "\n"


def test_nothing_to_change_changes_nothing() -> None:
    text = ManifestText(b"a:  1\n", file="f")
    assert text.edited({}).data == b"a:  1\n"
    assert text.edited({0: Change({"a": 1})}).data == b"a:  1\n"


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(ManifestError, match="there twice"):
        ManifestText(b"a: 1\na: 2\n", file="f")


KEYS = st.sampled_from(["a", "b", "password", "tls.crt", "x-y", "1", "no", "é", "a b", "#", "<<", ": "])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 99999),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12),
    st.sampled_from(
        ["yes", "1", "a\nb\n", "\n", "x\n\n", " lead", "trail ", "- a", "# no", "a: b", "|", "{", "'"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.dictionaries(KEYS, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=5)


def with_comments(text: str, seed: int) -> tuple[str, list[str]]:
    """Comments above lines whose key stands at the margin or below it, as far as they are no text."""
    draw = random.Random(seed)
    lines: list[str] = []
    comments: list[str] = []
    for line in text.splitlines():
        if line[:1] not in (" ", "-", "", "\t") and draw.random() < 0.5:
            comments.append(f"# comment {len(comments)}")
            lines.append(comments[-1])
        lines.append(line)
    return "\n".join(lines) + "\n", comments


@given(MAPPINGS, MAPPINGS, st.integers(0, 9), st.booleans())
def test_any_change_means_what_was_asked_for_and_loses_no_comment_without_saying_so(
    old: dict[str, Any], new: dict[str, Any], seed: int, crlf: bool
) -> None:
    body, comments = with_comments(kubectl_yaml.dump({**HEAD, **old}), seed)
    text = body.replace("\n", "\r\n") if crlf else body
    if meaning(text) != meaning(body):
        return
    target = {**HEAD, **old, **new}
    try:
        edited = ManifestText(text.encode(), file="f.yaml").edited({0: Change(target)})
    except ManifestError:
        # Nothing is harmed; it happens only to what CRLF cannot hold.
        if not crlf:
            raise
        return
    assert meaning(edited.data.decode()) == [target]
    if not edited.flattened:
        for comment in comments:
            assert comment in edited.data.decode()
