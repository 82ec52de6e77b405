from __future__ import annotations

import pytest

from sealbridge.errors import UsageError
from sealbridge.kube.selector import Selector


@pytest.mark.parametrize(
    ("text", "labels", "chosen"),
    [
        ("", {}, True),
        ("  ", {"a": "b"}, True),
        ("a=b", {"a": "b"}, True),
        ("a=b", {"a": "c"}, False),
        ("a=b", {}, False),
        ("a==b", {"a": "b"}, True),
        ("a = b , c = d", {"a": "b", "c": "d"}, True),
        ("a=b,c=d", {"a": "b"}, False),
        ("a=", {"a": ""}, True),
        ("a=", {}, False),
        ("a!=b", {"a": "c"}, True),
        ("a!=b", {"a": "b"}, False),
        ("a!=b", {}, True),
        ("a", {"a": ""}, True),
        ("a", {}, False),
        ("!a", {}, True),
        ("! a", {"a": "x"}, False),
        ("a in (x,y)", {"a": "y"}, True),
        ("a in ( x , y )", {"a": "y"}, True),
        ("a in (x,y)", {"a": "z"}, False),
        ("a in (x,y)", {}, False),
        ("a in (,x)", {"a": ""}, True),
        ("a notin (x,y)", {"a": "z"}, True),
        ("a notin (x,y)", {}, True),
        ("a notin (x,y)", {"a": "x"}, False),
        ("a>3", {"a": "4"}, True),
        ("a>3", {"a": "3"}, False),
        ("a<3", {"a": "-1"}, True),
        ("a<3", {"a": "two"}, False),
        ("a<3", {}, False),
        ("in in (in)", {"in": "in"}, True),
        (
            "app.kubernetes.io/name=shop,!x,t in (a,b),z!=1",
            {"app.kubernetes.io/name": "shop", "t": "b"},
            True,
        ),
    ],
)
def test_it_chooses_as_an_api_server_does(text: str, labels: dict[str, str], *, chosen: bool) -> None:
    selector = Selector.parse(text)
    assert selector.matches(labels) is chosen
    assert str(selector) == text.strip()
    assert bool(selector) is bool(text.strip())


@pytest.mark.parametrize(
    "text",
    [
        ",",
        "a,",
        ",a",
        "a,,b",
        "a b",
        "a=b c",
        "a=b=c",
        "=b",
        "!",
        "a in",
        "a in x",
        "a in (x",
        "a in (x))",
        "a in ((x))",
        "a>b",
        "a>",
        "-a=b",
        "a=-b",
        "a/b/c=d",
        "/a=b",
        "A/a=b",
        f"{'a' * 64}=b",
        f"a={'b' * 64}",
        "a in (b c)",
        "a=b;c",
        "!a=b",
        "ä=b",
        "a\x00",
    ],
)
def test_what_an_api_server_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a label selector"):
        Selector.parse(text)
