"""URLs into their parts and back, as Go 1.26's net/url. Knows no network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import Budget

_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_SCHEME: Final = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*)?:")
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PORT: Final = re.compile(rb"(?::[0-9]*)?")
_LAST_PORT: Final = re.compile(rb":[0-9]*\Z")
_USERINFO: Final = re.compile(rb"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")

# Nothing is given back (`*+`): that would take up a hundred bytes a character.
# A host escapes only what is not ASCII, and %25 before the zone of an IPv6 address.
_HOST: Final = re.compile(
    rb"(?:[A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"\x80-\xff]++|%25|%[89A-Fa-f][0-9A-Fa-f])*+"
)
# A zone escapes only what it might as well say, and spaces.
_ZONE: Final = re.compile(rb"(?:[A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"\x80-\xff]++|%[0-9A-Fa-f]{2})*+")
_ZONE_ESCAPED: Final = re.compile(rb"[A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"% ]*")
_ESCAPE: Final = re.compile(rb"%[0-9A-Fa-f]{2}")

# What each part keeps as it is, beside letters, digits and `-_.~`.
_IN_PATH: Final = "$&+,/:;=@"
_IN_USERINFO: Final = "$&+,;="
_IN_HOST: Final = "!$&'()*+,;=:[]<>\""
_IN_FRAGMENT: Final = "$&+,/:;=?@!()*"


class _Url(NamedTuple):
    """The parts of a URL. A user that is missing is not the empty one."""

    scheme: bytes = b""
    user: bytes | None = None
    host: bytes = b""
    path: bytes = b""
    query: bytes = b""
    opaque: bytes = b""
    fragment: bytes = b""


def url_parse(budget: Budget, text: bytes) -> dict[bytes, Any]:
    """The parts of a URL: scheme, userinfo, host, hostname, path, query, opaque and fragment.

    {{ (urlParse "https://user@db.example.com:5432/app?ssl=true").hostname }} -> db.example.com
    {{ (urlParse "https://user@db.example.com:5432/app?ssl=true").query }} -> ssl=true
    """
    url = _parse(text)
    budget.grow(sum(len(part or b"") for part in url))
    return {
        b"scheme": url.scheme,
        b"userinfo": url.user or b"",
        b"host": url.host,
        b"hostname": _hostname(url.host),
        b"path": url.path,
        b"query": url.query,
        b"opaque": url.opaque,
        b"fragment": url.fragment,
    }


def url_join(budget: Budget, parts: Mapping[bytes, Any] | None) -> bytes:
    """A URL of the parts that `urlParse` gives; those that are missing are empty.

    {{ urlJoin (dict "scheme" "https" "host" "example.com" "path" "/a b") }} -> https://example.com/a%20b
    """
    texts = {
        name: _text(parts or {}, name.encode()) for name in (*_Url._fields, "userinfo") if name != "user"
    }
    # An escape is three times as long as what it stands for.
    budget.grow(3 * sum(map(len, texts.values())))
    userinfo = texts.pop("userinfo")
    # Read as a part of a URL, which it may well end: then there is no user.
    user = _parse(b"proto://" + userinfo + b"@host").user if userinfo else None
    return _joined(_Url(user=user, **texts))


def _joined(url: _Url) -> bytes:
    text = url.scheme + b":" if url.scheme else b""
    if url.opaque:
        text += url.opaque
    else:
        if url.host or url.user is not None or (url.scheme and url.path):
            text += b"//"
        if url.user is not None:
            text += url.user + b"@"
        text += quote_from_bytes(url.host, _IN_HOST).encode()
        path = url.path if url.path == b"*" else quote_from_bytes(url.path, _IN_PATH).encode()
        if path and url.host and not path.startswith(b"/"):
            text += b"/"
        if not text and b":" in path.split(b"/", 1)[0]:
            # Or its first part would be read as a scheme.
            text = b"./"
        text += path
    if url.query:
        text += b"?" + url.query
    if url.fragment:
        text += b"#" + quote_from_bytes(url.fragment, _IN_FRAGMENT).encode()
    return text


def _parse(text: bytes) -> _Url:
    """A URL's parts, without escapes but in userinfo and query. Raises FunctionError."""
    rest, _, fragment = text.partition(b"#")
    if _CONTROL.search(rest):
        raise FunctionError("a URL holds no control characters")
    fragment = _unescaped(fragment)
    if rest == b"*":
        return _Url(path=rest, fragment=fragment)
    scheme = b""
    if match := _SCHEME.match(rest):
        scheme, rest = (match[1] or b"").lower(), rest[match.end() :]
        if not scheme:
            raise FunctionError("the URL has no scheme before its colon")
    rest, _, query = rest.partition(b"?")
    if not rest.startswith(b"/"):
        if scheme:
            return _Url(scheme, query=query, opaque=rest, fragment=fragment)
        if b":" in rest.split(b"/", 1)[0]:
            raise FunctionError("the first part of a relative URL holds no colon")
    user, host = None, b""
    if rest.startswith(b"//") and (scheme or not rest.startswith(b"///")):
        authority, slash, path = rest[2:].partition(b"/")
        userinfo, at, host = authority.rpartition(b"@")
        host = _parse_host(scheme, host)
        user = _parse_userinfo(userinfo) if at else None
        rest = slash + path
    return _Url(scheme, user, host, _unescaped(rest), query, fragment=fragment)


def _parse_userinfo(text: bytes) -> bytes:
    """Name and password, escaped anew. Raises FunctionError."""
    if not _USERINFO.fullmatch(text):
        raise FunctionError("the user of the URL has characters that have to be escaped")
    name, colon, password = text.partition(b":")
    return _escaped_user(name) + colon + _escaped_user(password)


def _escaped_user(text: bytes) -> bytes:
    return quote_from_bytes(_unescaped(text), _IN_USERINFO).encode()


def _parse_host(scheme: bytes, text: bytes) -> bytes:
    bracket = text.rfind(b"[")
    if bracket > 0:
        raise FunctionError("a bracket stands within the host of the URL")
    if bracket == 0:
        address, closing, port = text[1:].rpartition(b"]")
        if not closing:
            raise FunctionError("the host of the URL lacks a closing bracket")
        _check_port(port)
        return b"[" + _parse_address(address) + b"]" + port
    # Several hosts with ports of their own are known to databases, and not to the web.
    colon = text.find(b":") if scheme in (b"http", b"https") else text.rfind(b":")
    if colon >= 0:
        _check_port(text[colon:])
    return _unescaped_host(text)


def _parse_address(text: bytes) -> bytes:
    """An IPv6 address with or without a zone. Raises FunctionError."""
    start = text.find(b"%25")
    address = text if start < 0 else text[:start]
    zone = b"" if start < 0 else text[start:]
    decoded = _unescaped_host(address)
    if zone:
        escaped = b"".join(unquote_to_bytes(escape) for escape in _ESCAPE.findall(zone))
        if not _ZONE.fullmatch(zone) or not _ZONE_ESCAPED.fullmatch(escaped):
            raise FunctionError("the zone of an address in the URL has wrong characters")
        decoded += unquote_to_bytes(zone)
    plain, percent, name = decoded.partition(b"%")
    try:
        ipaddress.IPv6Address(plain.decode("ascii"))
    except ValueError:
        raise FunctionError("what stands in brackets is no IPv6 address") from None
    if percent and not name:
        raise FunctionError("the zone of an address in the URL is empty")
    return decoded


def _check_port(text: bytes) -> None:
    if not _PORT.fullmatch(text):
        raise FunctionError("the port of the URL is no number")


def _unescaped_host(text: bytes) -> bytes:
    if not _HOST.fullmatch(text):
        raise FunctionError("the host of the URL has wrong characters")
    return unquote_to_bytes(text)


def _hostname(host: bytes) -> bytes:
    """A host without its port and brackets."""
    host = _LAST_PORT.sub(b"", host)
    return host[1:-1] if host.startswith(b"[") and host.endswith(b"]") else host


def _unescaped(text: bytes) -> bytes:
    if _BAD_ESCAPE.search(text):
        raise FunctionError("the URL has a wrong escape")
    return unquote_to_bytes(text)


def _text(parts: Mapping[bytes, Any], name: bytes) -> bytes:
    value = parts.get(name, b"")
    if not isinstance(value, bytes):
        raise FunctionError(f"`{name.decode()}` of the URL is no string")
    return value
