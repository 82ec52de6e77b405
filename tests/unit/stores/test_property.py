"""GJSON paths. The outcomes in the table are those of the Go library gjson 1.14."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.stores.property import UnsupportedPath, exact, lookup

DOCUMENT = (
    rb'{"a.b":1,"a":{"b":12345678901234567890,"c":1.0,"n":null,"o":{"z":1,"a":[1, 2,{"x":"y"}]},"s":"h<i"},'
    rb'"arr":[{"k":1,"v":"a","t":true},{"k":2,"v":"b","t":false},{"k":3,"w":"c"}],"big":1e21,"small":1e-7,'
    rb'"half":-0.50,"@at":"q","strs":["Dale","Roger","Jane"],"nest":[{"in":[{"n":"x"},{"n":"y"}]},{"in":[]}],'
    rb'"u":"\u00e9\n","js":"{\"p\":[1,2]}","x*y":5,"xay":6,"":"none"}'
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a\\.b", "1"),
        ("a.b", "12345678901234567890"),
        ("a.c", "1"),
        ("a.n", ""),
        ("a.s", "h<i"),
        ("a.o", '{"z":1,"a":[1, 2,{"x":"y"}]}'),
        ("a.o.a.2.x", "y"),
        ("a.zz", None),
        ("a.b.c", None),
        ("zz", None),
        ("big", "1000000000000000000000"),
        ("small", "0.0000001"),
        ("half", "-0.5"),
        ("u", "é\n"),
        ("@at", "q"),
        ("x\\*y", "5"),
        ("x*y", "5"),
        ("*.c", "1"),
        ("a.?", "12345678901234567890"),
        ("?.o.z", "1"),
        ("arr.#", "3"),
        ("arr.1", '{"k":2,"v":"b","t":false}'),
        ("arr.1.v", "b"),
        ("arr.9", None),
        ("arr.-1", None),
        ("arr.v", None),
        ("arr.#.v", '["a","b"]'),
        ("arr.#.w", '["c"]'),
        ("arr.#.v|0", "a"),
        ("arr.#.v|#", "2"),
        ("arr.#(k==2).v", "b"),
        ("arr.#(k=2).v", "b"),
        ("arr.#(k>1)#.k", "[2,3]"),
        ("arr.#(k>=2)#|#", "2"),
        ("arr.#(k<2).k", "1"),
        ("arr.#(k<=2)#.k", "[1,2]"),
        ("arr.#(k!=2)#.k", "[1,3]"),
        ("arr.#(k==9).v", None),
        ("arr.#(k==9)#", "[]"),
        ("arr.#(w).k", "3"),
        ("arr.#(t==true).v", "a"),
        ("arr.#(t!=true)#.v", '["b"]'),
        ("arr.#(t==false).v", "b"),
        ("arr.#(t==x)#", "[]"),
        ('arr.#(v=="b").k', "2"),
        ("arr.#(v==b).k", "2"),
        ('arr.#(v%"a*").k', "1"),
        ('arr.#(v!%"a*")#.k', "[2]"),
        ("arr.#()#", "[]"),
        ('arr.#(k>"x")#.k', "[1,2,3]"),
        ('strs.#(%"*e")#', '["Dale","Jane"]'),
        ('strs.#(=="Jane")', "Jane"),
        ('strs.#(!="Jane")#', '["Dale","Roger"]'),
        ('strs.#(>"E")#', '["Roger","Jane"]'),
        ("nest.#.in", '[[{"n":"x"},{"n":"y"}],[]]'),
        ("nest.#.in.#", "[2,0]"),
        ("nest.#.in.#.n", '[["x","y"],[]]'),
        ("nest.#.in|0", '[{"n":"x"},{"n":"y"}]'),
        ('nest.#(in.#(n=="y")).in.#', "2"),
        ("@this.a.c", "1"),
        ("a.@keys", '["b","c","n","o","s"]'),
        ("a.o|@values", '[1,[1, 2,{"x":"y"}]]'),
        ("arr.@keys", "[null,null,null]"),
        ("strs|@reverse", '["Jane","Roger","Dale"]'),
        ("a.o.@reverse", '{"a":[1, 2,{"x":"y"}],"z":1}'),
        ("a.o.@ugly", '{"z":1,"a":[1,2,{"x":"y"}]}'),
        ("js.@fromstr.p.1", "2"),
        ("a.o.a.@tostr", '[1, 2,{"x":"y"}]'),
        ("a.c.@valid", "1"),
        ("a.c.@keys", "[null]"),
        ("a.c.@reverse", "1"),
        ("js.@fromstr|p", "[1,2]"),
        ("u.@fromstr", None),
        ("", "none"),
        ("a|o|z", "1"),
        ("arr|1|v", "b"),
    ],
)
def test_a_path_finds_what_gjson_finds(path: str, found: str | None) -> None:
    assert lookup(DOCUMENT, path) == (None if found is None else found.encode())


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"plain text",
        b'"text"',
        b"5",
        b"null",
        b"[]",
        b"{}",
        b'{"a":',
        b"\xff",
        b'{"a.b":"\xff"}',
        b'{"a":{"b":"\xff"}}',
    ],
)
def test_nothing_is_found_where_there_is_no_object(document: bytes) -> None:
    assert lookup(document, "a.b") is None
    assert exact(document, "a.b") is None


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("{a,b}", "a multipath in a property is not supported yet"),
        ("a.[b,c]", "a multipath in a property is not supported yet"),
        ('!"x"', "a literal in a property is not supported yet"),
        ("..a", "JSON lines in a property are not supported yet"),
        ("a.@pretty", "the modifier @pretty in a property is not supported yet"),
        ("@ugly:1", "an argument of the modifier @ugly in a property is not supported yet"),
        ("arr.#(k==1", "a query in a property is not closed"),
        ("arr.#(k==1)x", "a query in a property is followed by neither '.' nor '|'"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(path: str, error: str) -> None:
    with pytest.raises(UnsupportedPath) as caught:
        lookup(DOCUMENT, path)
    assert str(caught.value) == error


def test_a_modifier_finds_nothing_in_nothing() -> None:
    # gjson makes an empty list of it; a missing property must stay missing.
    assert lookup(DOCUMENT, "zz.@keys") is None


def test_a_key_taken_literally_may_look_like_a_path() -> None:
    assert exact(DOCUMENT, "a.b") == b"1"
    assert exact(DOCUMENT, "@at") == b"q"
    assert exact(DOCUMENT, "a.c") is None
    assert exact(b'{"o":{"b": 1}}', "o") == b'{"b": 1}'


@given(st.dictionaries(st.text(), JSON), st.data())
def test_every_key_is_found_literally_and_with_escapes(
    entries: dict[str, object], data: st.DataObject
) -> None:
    document = json.dumps(entries, ensure_ascii=False).encode()
    for key, value in entries.items():
        escaped = "".join(f"\\{character}" for character in key)
        found = lookup(document, escaped)
        assert found == exact(document, key)
        assert found is not None
        if isinstance(value, str):
            assert found.decode() == value
        elif value is None:
            assert found == b""
        else:
            assert json.loads(found) == value


@given(JSON, st.text(alphabet=r"ab01.|#()@\*?=<>%!\"[]{}~ keysthir", max_size=20))
def test_any_path_over_any_document_finds_something_or_nothing(value: object, path: str) -> None:
    with contextlib.suppress(UnsupportedPath):
        found = lookup(json.dumps(value).encode(), path)
        assert found is None or isinstance(found, bytes)
