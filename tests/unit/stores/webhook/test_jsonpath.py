"""JSONPath as webhooks use it."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.errors import Invalid, NotFound, StoreError
from sealbridge.secret import Value
from sealbridge.stores.webhook.answers import value
from sealbridge.stores.webhook.jsonpath import parse
from tests.canary import Canary

DOCUMENT = b"""{
  "a": {"b": "text", "n": null, "t": true, "f": false, "z": "", "a-b": "dash", "x.y": "dot", "0": "zero"},
  "big": 12345678901234567890, "real": 1.0, "exp": 1e400,
  "list": ["first", "second", "third"], "empty": [], "nested": [[["deep"]]],
  "map": {"z": "<&>", "a": [1, 2.50]},
  "people": [
    {"name": "ann", "age": 30, "mail": {"x": 1}},
    {"name": "bob", "age": 25},
    {"name": "c'd", "age": 40, "tags": ["x", "y"]}
  ]
}"""


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.a.b", "text"),
        ("$['a']['b']", "text"),
        ('$["a"].b', "text"),
        ("$.a.n", ""),
        ("$.a.t", "true"),
        ("$.a.f", "false"),
        ("$.a.z", ""),
        ("$.a['a-b']", "dash"),
        ("$.a.a-b", "dash"),
        ("$.a['x.y']", "dot"),
        ("$.a.0", "zero"),
        ("$.a[0]", "zero"),
        ("$.big", "12345678901234567890"),
        ("$.real", "1.0"),
        ("$.exp", "1e400"),
        ("$.list", "first"),
        ("$.list[1]", "second"),
        ("$.list[-1]", "third"),
        ("$.list.1", "second"),
        ("$.list[1:]", "second"),
        ("$.list[::-1]", "third"),
        ("$.list[2,0]", "third"),
        ("$.list[*]", "first"),
        ("$.nested", "deep"),
        ("$.map", r'{"a":[1,2.50],"z":"\u003c\u0026\u003e"}'),
        ("$.map.*", "1"),
        ("$.people[?(@.name == 'bob')].age", "25"),
        ("$.people[?@.age > 26 && @.name != 'ann'].name", "c'd"),
        ("$.people[?(@.age<26||@.age>=40)].name", "bob"),
        ("$.people[?(!(@.mail) && @.tags)].age", "40"),
        ("$.people[?(@.name == 'c\\'d')].tags[1]", "y"),
        ("$.people[?(@.name =~ '^b')].age", "25"),
        ("$.people[?(@.age == 3e1)].name", "ann"),
        ("$.people[?(@.tags[0] == $.people[2].tags[0])].name", "c'd"),
        ("$..age", "30"),
        ("$..tags[1]", "y"),
        ("$..['x']", "1"),
        ("$.people[*]['name','age']", "ann"),
        ("$ ", "text-of-all"),
    ],
)
def test_a_path_finds_a_text(path: str, found: str) -> None:
    result = value(DOCUMENT, path)
    if found == "text-of-all":
        assert result.reveal().startswith(b'{"a":{"0":"zero"')
    else:
        assert result == Value(found.encode())


@pytest.mark.parametrize(
    "path",
    [
        "$.zz",
        "$.a.b.c",
        "$.list[3]",
        "$.list[-4]",
        "$.empty",
        "$.empty[0]",
        "$.people[?(@.name == 'zz')]",
        "$.people[?(@.zz)]",
        "$.people[?(@.name == 30)]",
        "$.people[?(@.name < 'a')]",
        "$..zz",
        "$.list.first",
    ],
)
def test_nothing_at_a_path_is_a_property_that_is_not_there(path: str) -> None:
    with pytest.raises(NotFound) as caught:
        value(DOCUMENT, path)
    assert caught.value.missing == "property"


@pytest.mark.parametrize(
    "path",
    [
        "a.b",
        "@.a",
        "$.",
        "$..",
        "$[",
        "$['a'",
        "$['a",
        "$[]",
        "$[a]",
        "$.a b",
        "$[1:2:0]",
        "$[?]",
        "$[?(@.a]",
        "$[?(@.a == )]",
        "$[?(@.a = 1)]",
        "$.a]",
        "$" + "[?" + "(" * 50 + "@" + ")" * 50 + "]",
        "$[?" + "!" * 50 + "@]",
        "$" + ".a" * 5000,
    ],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(Invalid, match=r"result\.jsonPath"):
        parse(path)


@pytest.mark.parametrize("path", ["$" + "..*" * 8, "$" + "[*,*]" * 25, "$..[?(@..[?(@..*)])]"])
def test_a_path_that_multiplies_is_bounded(path: str) -> None:
    document = b"[" * 12 + b"1,2,3,4,5,6,7,8,9" + b"]" * 12
    many = b"[" + b",".join([document] * 300) + b"]"
    with pytest.raises(Invalid, match="looks at too much"):
        value(many, path)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"{", b"NaN", b"[" * 100_000])
def test_an_answer_that_is_not_json_has_no_paths_but_is_a_value(body: bytes) -> None:
    with pytest.raises(Invalid, match="not JSON"):
        value(body, "$.a")
    assert value(body, "") == Value(body)


def test_no_error_quotes_the_answer_or_the_path(canary: Canary) -> None:
    secret = canary("in an answer")
    seen: list[Any] = []
    for body, path in (
        (f'{{"{secret}": "{secret}'.encode(), "$.a"),
        (f'{{"a": "{secret}"}}'.encode(), "$.a.b"),
        (b"{}", f"$.a[{secret}]"),
        (b"{}", f"$[?(@.x =~ '({secret}')]"),
    ):
        with pytest.raises(StoreError) as caught:
            value(body, path)
        seen.append(f"{caught.value!r} {caught.value} {caught.value.hint}")
    canary.seen("\n".join(seen), "errors of paths")
