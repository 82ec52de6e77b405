"""URLs into their parts and back."""

from __future__ import annotations

import pytest

from sealbridge.templates.functions.urls import url_join, url_parse
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import BoundExceeded, Budget, Limits


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (
            b"HTTPS://u:p%40@h:80/a%20b?q=1#f",
            (b"https", b"u:p%40", b"h:80", b"h", b"/a b", b"q=1", b"", b"f"),
        ),
        (b"mailto:a@b?c", (b"mailto", b"", b"", b"", b"", b"c", b"a@b", b"")),
        (b"//h", (b"", b"", b"h", b"h", b"", b"", b"", b"")),
        (b"a/b:c", (b"", b"", b"", b"", b"a/b:c", b"", b"", b"")),
        (b"*", (b"", b"", b"", b"", b"*", b"", b"", b"")),
        (b"http://[fe80::1%25en0]:8", (b"http", b"", b"[fe80::1%en0]:8", b"fe80::1%en0", b"", b"", b"", b"")),
        (b"x://a:1,b:2/", (b"x", b"", b"a:1,b:2", b"a:1,b", b"/", b"", b"", b"")),
    ],
)
def test_a_url_comes_apart(url: bytes, parts: tuple[bytes, ...]) -> None:
    names = (b"scheme", b"userinfo", b"host", b"hostname", b"path", b"query", b"opaque", b"fragment")
    assert url_parse(Budget(), url) == dict(zip(names, parts, strict=True))


@pytest.mark.parametrize(
    "url",
    [
        b":",
        b"1secret:1/",
        b"a b:c",
        b"http://h/%zz",
        b"http://h/#%",
        b"http://a b/",
        b"http://h%41/",
        b"http://h:x/",
        b"http://a:1:2/",
        b"http://u ser@h/",
        b"http://h/\n",
        b"http://a[::1]/",
        b"http://[::1",
        b"http://[secret]/",
        b"http://[1.2.3.4]/",
        b"http://[::1%25%2f]/",
        b"http://[::1%25]/",
        b"http://[::1]x/",
    ],
)
def test_a_wrong_url_is_an_error_without_it(url: bytes) -> None:
    with pytest.raises(FunctionError) as failure:
        url_parse(Budget(), url)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        ({b"scheme": b"https", b"host": b"h", b"path": b"/a b", b"query": b"q"}, b"https://h/a%20b?q"),
        ({b"host": b"h", b"path": b"p", b"fragment": b"f \xff"}, b"//h/p#f%20%FF"),
        ({b"path": b"a:b"}, b"./a:b"),
        ({b"scheme": b"mailto", b"opaque": b"a@b", b"host": b"ignored"}, b"mailto:a@b"),
        ({b"host": b"h", b"userinfo": b"u@v:p"}, b"//u%40v:p@h"),
        ({b"host": b"h", b"userinfo": b"u/v"}, b"//h"),
        ({b"scheme": b"http"}, b"http:"),
        ({b"path": b"*"}, b"*"),
        ({}, b""),
        (None, b""),
    ],
)
def test_parts_become_a_url(parts: dict[bytes, bytes] | None, url: bytes) -> None:
    assert url_join(Budget(), parts) == url


def test_parts_have_to_be_strings_and_a_user_has_to_be_one() -> None:
    for parts in ({b"host": 1}, {b"path": None}, {b"userinfo": b"a secret"}):
        with pytest.raises(FunctionError) as failure:
            url_join(Budget(), parts)
        assert "secret" not in str(failure.value)


def test_a_url_is_accounted_for_before_it_is_made() -> None:
    with pytest.raises(BoundExceeded):
        url_join(Budget(Limits(size=100)), {b"path": b" " * 50})
