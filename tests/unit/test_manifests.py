from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.errors import ManifestError
from sealbridge.manifests import MAX_BYTES, dump, dump_json, dump_yaml, read_documents, read_file

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS | st.floats(-1e6, 1e6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


def objects(text: str | bytes, file: str = "file.yaml") -> list[Any]:
    data = text if isinstance(text, bytes) else text.encode()
    return [document.obj for document in read_documents(data, file=file)]


def error_of(text: str | bytes, file: str = "file.yaml") -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        objects(text, file)
    assert caught.value.__cause__ is None
    return caught.value


def test_every_document_knows_its_file_number_and_line() -> None:
    text = "# comment\na: 1\n---\n\nb: 2\n---\n---\n# nothing\n---\nc: 3\n"
    assert [(document.where, document.obj) for document in read_documents(text.encode(), file="f.yaml")] == [
        ("f.yaml: document 1, line 2", {"a": 1}),
        ("f.yaml: document 2, line 5", {"b": 2}),
        ("f.yaml: document 5, line 10", {"c": 3}),
    ]


def test_json_documents_may_follow_one_another() -> None:
    text = '{"a": 1}\n\n{"b":\n [2]}{"c": 3}\n'
    assert [(document.where, document.obj) for document in read_documents(text.encode(), file="stdin")] == [
        ("stdin: document 1, line 1", {"a": 1}),
        ("stdin: document 2, line 3", {"b": [2]}),
        ("stdin: document 3, line 4", {"c": 3}),
    ]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "---\n", "---\n---\n# only a comment\n---\n", "null\n", "\ufeff"]
)
def test_documents_without_anything_are_none(text: str) -> None:
    assert objects(text) == []


def test_lists_are_unpacked_and_every_item_knows_its_line() -> None:
    text = "---\nkind: List\napiVersion: v1\nitems:\n- kind: A\n  x: 1\n-\n  kind: B\n---\nkind: C\n"
    found = read_documents(text.encode(), file="f")
    assert [(document.where, document.obj["kind"]) for document in found] == [
        ("f: document 1, item 1, line 5", "A"),
        ("f: document 1, item 2, line 8", "B"),
        ("f: document 2, line 10", "C"),
    ]


def test_items_of_a_typed_list_inherit_their_kind() -> None:
    listed = {
        "kind": "SecretList",
        "apiVersion": "v1",
        "items": [{"metadata": {"name": "a"}}, {"kind": "Own"}],
    }
    assert objects(json.dumps(listed)) == [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}},
        {"apiVersion": "v1", "kind": "Own"},
    ]


@pytest.mark.parametrize(
    "obj", [{"kind": "AllowList", "spec": {}}, {"kind": "AllowList", "items": {}}, {"items": [{}]}]
)
def test_what_only_sounds_like_a_list_is_left_as_it_is(obj: dict[str, Any]) -> None:
    assert objects(json.dumps(obj)) == [obj]


@pytest.mark.parametrize("items", [[], None])
def test_an_empty_list_holds_nothing(items: Any) -> None:
    assert objects(json.dumps({"kind": "List", "items": items})) == []


def test_keys_that_are_the_same_text_in_json_need_no_quotes() -> None:
    # As in ConfigMaps of ingress controllers, whose keys are ports.
    (document,) = read_documents(b"data: {8080: a, -1: b, true: c}\n", file="f")
    assert document.obj == {"data": {"8080": "a", "-1": "b", "true": "c"}}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", "document 1, line 3", "the key 'a' is there twice"),
        ("a: 1\n---\nb:\n  c: 1\n  c: 2\n", "document 2, line 5", "the key 'c' is there twice"),
        ('{"a": {"b": 1,\n"b": 2}}', "document 1, line 1", "the key 'b' is there twice"),
        ("a: &x [1, *x]\n", "document 1, line 1", "an anchor contains itself"),
        ("a: *x\n", "document 1, line 1", "an alias points to an anchor that is not there"),
        ("a: &x 1\n---\nb: *x\n", "document 2, line 3", "an alias points to an anchor that is not there"),
        ("a:\n\tb: 1\n", "document 1, line 2", "a tab is used for indentation"),
        ("a: 1\n---\nb: [\n  1,\n  2 3: x\n", "document 2, line 6", "not valid YAML"),
        ("a: 'x\n", "document 1, line 2", "not valid YAML: found unexpected end of stream"),
        ("a: b: c\n", "document 1, line 1", "not valid YAML: mapping values are not allowed"),
        ("a: {{ .Values.x }}\n", "document 1, line 1", ""),
        ("1.0: a\n", "document 1, line 1", "a key is a number, it must be a string"),
        ("010: a\n", "document 1, line 1", "a key is a number, it must be a string"),
        ("18446744073709551615: a\n", "document 1, line 1", "a key is a number, it must be a string"),
        ("1: a\n'1': b\n", "document 1, line 2", "the key '1' is there twice"),
        ("&a 1: a\nb: {*a : c}\n", "document 1, line 2", "a key is a number, it must be a string"),
        ("yes: a\n", "document 1, line 1", "a key is a boolean, it must be a string"),
        ("a:\n  ~: a\n", "document 1, line 2", "a key is null, it must be a string"),
        ("? [a]\n: 1\n", "document 1, line 1", "a key is a list, it must be a string"),
        ("a: !custom 1\n", "document 1, line 1", "tags have no place in a manifest"),
        ("a: !custom [1]\n", "document 1, line 1", "tags have no place in a manifest"),
        ("a: !!binary aGk=\n", "document 1, line 1", "tags have no place in a manifest"),
        ("a: !!python/object/apply:os.system ['true']\n", "document 1, line 1", "tags have no place"),
        ("a: !!int x\n", "document 1, line 1", "a value is not what its tag says"),
        ("a: .inf\n", "document 1, line 1", "infinity and NaN have no place in a manifest"),
        ("a: -.INF\n", "document 1, line 1", "infinity and NaN have no place in a manifest"),
        ("a: .nan\n", "document 1, line 1", "infinity and NaN have no place in a manifest"),
        ('{"a": 1e999}', "document 1, line 1", "infinity and NaN have no place in a manifest"),
        ('{"a": -Infinity}', "document 1, line 1", "infinity and NaN have no place in a manifest"),
        ('{"a": NaN}', "document 1, line 1", "infinity and NaN have no place in a manifest"),
        ('{"a": "\\ud800"}', "document 1, line 1", "a string holds half of a surrogate pair"),
        ('{"a": ' + "9" * 5000 + "}", "document 1, line 1", "a number has too many digits"),
        ("- a\n- b\n", "document 1, line 1", "a manifest is a mapping, this document is a list"),
        ("x\n", "document 1, line 1", "a manifest is a mapping, this document is a plain value"),
        ("a: 1\n---\n[1]\n", "document 2, line 3", "a manifest is a mapping, this document is a list"),
        ("[1]", "document 1, line 1", "a manifest is a mapping, this document is a list"),
        ("a: " + "[" * 200 + "]" * 200, "document 1, line 1", "nested more than 100 levels deep"),
        ("a: " + "{b: " * 200 + "1" + "}" * 200, "document 1, line 1", "nested more than 100 levels deep"),
        ("[" * 100_000, "document 1, line 1", "nested more than 100 levels deep"),
        ('{"a":' * 300 + "1" + "}" * 300, "document 1, line 1", "nested more than 100 levels deep"),
        ('{"a":' * 50_000, "document 1, line 1", "nested more than 100 levels deep"),
        ("a: \x01\n", "document 1, line 1", "a character that YAML does not allow"),
        ("a: 1\nb: \x00\n", "document 1, line 2", "a character that YAML does not allow"),
        ("a: {<<: 1}\n", "document 1, line 1", "the key '<<' takes a mapping"),
        ("x: &x {}\na:\n  <<: *x\n  <<: *x\n", "document 1, line 4", "the key '<<' is there twice"),
        ("kind: List\nitems:\n- 1\n", "document 1, item 1, line 1", "an item of a List must be a mapping"),
        ("kind: List\nitems: x\n", "document 1, line 1", "items of a List must be a list"),
        ("kind: List\nitems:\n- kind: List\n  items: []\n", "item 1, line 3", "a List inside a List"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_document_and_line(text: str, where: str, what: str) -> None:
    error = error_of(text)
    assert error.where is not None
    assert error.where.startswith("file.yaml: ")
    assert where in error.where
    assert what in error.what


def test_anchors_are_expanded_and_bombs_are_not() -> None:
    assert objects("a: &x {k: [1]}\nb: *x\nc: [*x, *x]\n") == [
        {"a": {"k": [1]}, "b": {"k": [1]}, "c": [{"k": [1]}, {"k": [1]}]}
    ]
    levels = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for before, this in zip("abcdefgh", "bcdefghi", strict=True):
        levels.append(f"{this}: &{this} [{', '.join([f'*{before}'] * 10)}]")
    error = error_of("\n".join(levels))
    assert error.what == "aliases expand to more than 100000 values"
    merging = ["a: &a {k: [1, 2, 3, 4, 5, 6, 7, 8, 9]}"]
    for before, this in zip("abcdefgh", "bcdefghi", strict=True):
        keys = ", ".join(f"{this}{number}: {{<<: *{before}}}" for number in range(10))
        merging.append(f"{this}: &{this} {{{keys}}}")
    assert error_of("\n".join(merging)).what == "aliases expand to more than 100000 values"


def test_merge_keys_are_merged_as_kubectl_does_it() -> None:
    text = "a: &a {k: 1, l: 1}\nb: &b {l: 2, m: 2}\nc: {l: 3, <<: [*a, *b]}\nd: {<<: *a, '<<': own}\n"
    assert objects(text)[0]["c"] == {"k": 1, "l": 3, "m": 2}
    assert objects(text)[0]["d"] == {"k": 1, "l": 1, "<<": "own"}
    assert objects("a: &a {k: 1}\nb: &b {k: 2, l: 2}\nc: {<<: [*a, *b]}\n")[0]["c"] == {"k": 1, "l": 2}
    assert objects("a: <<\nb: [<<]\n") == [{"a": "<<", "b": ["<<"]}]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        *[(word, True) for word in ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")],
        *[(word, False) for word in ("n", "N", "no", "No", "NO", "false", "False", "off", "Off", "OFF")],
        *[(word, None) for word in ("", "~", "null", "Null", "NULL")],
        ("012", 10),
        ("0o12", 10),
        ("0x1F", 31),
        ("-0b101", -5),
        ("+7", 7),
        ("1_000", 1000),
        ("0", 0),
        ("-0", 0),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616.0),
        ("089", 89.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1.5E-3", -0.0015),
        ("1e999", "1e999"),
        ("12:30", "12:30"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("1.2.3", "1.2.3"),
        ("_1", "_1"),
        ("+", "+"),
        (".", "."),
        ("0x", "0x"),
        ("yEs", "yEs"),
        ("'yes'", "yes"),
        ('"012"', "012"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("!!float 5", 5.0),
        ("!!int '5'", 5),
        ("!!bool yes", True),
        ("!!null ''", None),
    ],
)
def test_a_plain_scalar_means_what_it_means_to_kubectl(scalar: str, value: Any) -> None:
    found = objects(f"a: {scalar}\n")[0]["a"]
    assert (found, type(found)) == (value, type(value))


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    assert objects(b"\xef\xbb\xbfa: 1\r\nb: |\r\n  x\r\n  y\r\n---\r\nc: 2\r\n") == [
        {"a": 1, "b": "x\ny\n"},
        {"c": 2},
    ]
    assert objects(b'\xef\xbb\xbf{"a": 1}\r\n') == [{"a": 1}]


@pytest.mark.parametrize(
    ("data", "what", "line"),
    [
        (b"a: 1\nb: \xff\n", "it is not UTF-8", 2),
        (b"\xff\xfea\x00", "it is UTF-16, not UTF-8", 1),
        (b'{"a":\n"\xe9"}', "it is not UTF-8", 2),
    ],
)
def test_what_is_not_utf_8_is_said_with_the_line(data: bytes, what: str, line: int) -> None:
    error = error_of(data)
    assert (error.what, error.where) == (what, f"file.yaml: line {line}")


def test_a_file_that_is_too_large_is_refused() -> None:
    assert "larger than 64 MiB" in error_of(b" " * (MAX_BYTES + 1)).what


def test_a_flow_mapping_of_yaml_is_no_json_and_read_all_the_same() -> None:
    assert objects("{a: 1, b: [x, z]}\n---\nc: 1\n", file="stdin") == [{"a": 1, "b": ["x", "z"]}, {"c": 1}]


def test_a_file_named_yaml_hears_of_yaml_when_it_begins_with_a_brace() -> None:
    with pytest.raises(ManifestError, match="the key 'k' is there twice"):
        read_documents(b"{a: {k: x, k: y}}", file="flow.yaml")


def test_a_file_named_json_must_hold_json_and_other_broken_json_is_called_so() -> None:
    assert "not valid JSON" in error_of("a: 1\n", file="x.json").what
    assert "not valid JSON" in error_of("{a: 1}\n", file="x.json").what
    error = error_of('{"a": 1}\n{"b": 1,\n  "c" 2}', file="stdin")
    assert error.what == "not valid JSON: expecting ':' delimiter"
    assert error.where == "stdin: document 2, line 3"


def test_no_error_quotes_what_stands_in_the_file() -> None:
    for text in (
        "a: 'hidden\n",
        "a: hidden: b\n",
        "a: {hidden\n",
        "\ta: hidden\n",
        '{"a": "hidden',
        "a: !hidden 1",
    ):
        error = error_of(text)
        assert "hidden" not in f"{error} {error.hint}"


def test_files_are_read_and_those_that_cannot_be_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\n")
    assert [document.file for document in read_file(str(path))] == [str(path)]
    with pytest.raises(ManifestError, match="cannot read it: no such file or directory"):
        read_file(str(tmp_path / "none"))
    with pytest.raises(ManifestError, match="cannot read it: is a directory"):
        read_file(str(tmp_path))


def test_yaml_is_written_in_block_style_with_sorted_keys() -> None:
    obj = {"b": {"d": [1, {"x": None}], "c": True}, "a": "text\nof lines\n", "long": "A" * 500}
    assert dump_yaml([obj, {"z": 1}]) == (
        "---\na: |\n  text\n  of lines\nb:\n  c: true\n  d:\n  - 1\n  - x: null\n"
        f"long: {'A' * 500}\n---\nz: 1\n"
    )


def test_json_is_written_in_the_order_given_with_two_spaces() -> None:
    assert dump_json([{"b": 1, "a": "é"}, {}]) == '{\n  "b": 1,\n  "a": "é"\n}\n{}\n'
    assert dump([{"a": 1}], "json") == dump_json([{"a": 1}])
    assert dump([{"a": 1}], "yaml") == dump_yaml([{"a": 1}])


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_written_is_read_back(obj: dict[str, Any]) -> None:
    # A List would be unpacked.
    obj.pop("kind", None)
    assert objects(dump_json([obj])) == [obj]
    assert objects(dump_yaml([obj])) == [obj]


@pytest.mark.parametrize(
    "text", ["y", "n", "yes", "012", "1e3", "0o7", "12:30", "~", "", "<<", "=", "null", "1_0"]
)
def test_strings_that_a_yaml_reader_would_take_for_something_else_are_quoted(text: str) -> None:
    written = dump_yaml([{"a": text, text: "b"}])
    assert objects(written) == [{"a": text, text: "b"}]
    assert yaml.safe_load(written) == {"a": text, text: "b"}


@given(PRINTABLE)
def test_another_reader_reads_the_same_strings(text: str) -> None:
    assert yaml.safe_load(dump_yaml([{"a": text}])) == {"a": text}
