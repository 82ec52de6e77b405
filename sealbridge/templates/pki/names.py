"""Distinguished names as Go prints them, roughly as RFC 2253 says; the aliases of trust stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sealbridge.sealing.der import Reader
from sealbridge.templates.go import runes
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.pki import der

# In the order of printing. Of common name and serial number the last one counts; of the others all
# do, joined by a plus sign, whatever stood between them.
_KNOWN: Final = {
    der.oid("2.5.4.5"): "SERIALNUMBER",
    der.oid("2.5.4.3"): "CN",
    der.oid("2.5.4.11"): "OU",
    der.oid("2.5.4.10"): "O",
    der.oid("2.5.4.17"): "POSTALCODE",
    der.oid("2.5.4.9"): "STREET",
    der.oid("2.5.4.7"): "L",
    der.oid("2.5.4.8"): "ST",
    der.oid("2.5.4.6"): "C",
}
_SINGLE: Final = ("SERIALNUMBER", "CN")
_ESCAPED: Final = frozenset(',+"\\<>;')
_PRINTABLE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")
_NUMERIC, _T61, _IA5 = 0x12, 0x14, 0x16


def text_of(name: bytes) -> str:
    """A name, given as the content of its SEQUENCE."""
    known: dict[str, list[str]] = {label: [] for label in _KNOWN.values()}
    others: list[str] = []
    try:
        for kind, value in _attributes(Reader(name)):
            label = _KNOWN.get(kind)
            if label is None:
                others.append(f"{der.dotted(kind)}=#{encoded(value).hex()}")
            else:
                known[label].append(value)
    except ValueError:
        raise FunctionError("a name in the certificate cannot be parsed") from None
    printed: list[str] = []
    for label, values in known.items():
        if label in _SINGLE:
            values = [value for value in values[-1:] if value]
        if values:
            printed.append("+".join(f"{label}={_escape(value)}" for value in values))
    return ",".join(printed + others[::-1])


def _attributes(name: Reader) -> Iterator[tuple[bytes, str]]:
    while not name.done():
        members = Reader(name.read(der.SET))
        while not members.done():
            member = members.sequence()
            kind = member.read(der.OID)
            yield kind, _string(*member.element())


def _string(tag: int, content: bytes) -> str:
    if tag == der.BMP:
        return content.decode("utf-16-be", "replace")
    if tag == der.UTF8:
        return content.decode()
    if tag == _T61:
        return content.decode("latin-1")
    if tag in (der.PRINTABLE, _NUMERIC, _IA5):
        return content.decode("ascii")
    raise ValueError("not a string")


def encoded(value: str) -> bytes:
    """A string as Go writes it into a name: PrintableString where it can be, otherwise UTF8String."""
    content = value.encode()
    return der.element(der.PRINTABLE if _PRINTABLE.issuperset(content) else der.UTF8, content)


def _escape(value: str) -> str:
    last = len(value) - 1
    return "".join(
        "\\" + char
        if char in _ESCAPED or (char == " " and at in (0, last)) or (char == "#" and at == 0)
        else char
        for at, char in enumerate(value)
    )


def bmp(text: bytes | str) -> bytes:
    """A string as the BMPString of PKCS#12, two bytes a character; refuses characters of other planes."""
    decoded = runes.decode(text) if isinstance(text, bytes) else text
    if decoded and max(decoded) > "\uffff":
        raise FunctionError("a character cannot be encoded in UCS-2")
    return decoded.encode("utf-16-be")
