"""Writing DER (X.690), and the object identifiers of keys and PKCS#12. `sealing.der` reads."""

from __future__ import annotations

from typing import Final

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, UTF8 = 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C
PRINTABLE, BMP, SEQUENCE, SET = 0x13, 0x1E, 0x30, 0x31
# [0] around another element, and [0] in the place of an element's own tag.
EXPLICIT, IMPLICIT = 0xA0, 0x80


def element(tag: int, *parts: bytes) -> bytes:
    """One element of these contents."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE of elements."""
    return element(SEQUENCE, *parts)


def integer(value: int) -> bytes:
    """An INTEGER of a number that is not negative."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def set_of(*parts: bytes) -> bytes:
    """A SET, which has its elements in the order of their bytes."""
    return element(SET, *sorted(parts))


def oid(dotted: str) -> bytes:
    """The content of an OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray()
    for arc in (first * 40 + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        content += bytes(reversed(digits))
    return bytes(content)


def dotted(content: bytes) -> str:
    """An OBJECT IDENTIFIER in numbers. Raises ValueError for one beyond 31 bits, as Go does."""
    arcs = [0]
    for byte in content:
        arcs[-1] = arcs[-1] << 7 | byte & 0x7F
        if arcs[-1] >> 31:
            raise ValueError("a number of an object identifier is too large")
        if byte < 0x80:
            arcs.append(0)
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:-1])))


DATA: Final = oid("1.2.840.113549.1.7.1")
ENCRYPTED_DATA: Final = oid("1.2.840.113549.1.7.6")
KEY_BAG: Final = oid("1.2.840.113549.1.12.10.1.1")
SHROUDED_KEY_BAG: Final = oid("1.2.840.113549.1.12.10.1.2")
CERT_BAG: Final = oid("1.2.840.113549.1.12.10.1.3")
X509_CERTIFICATE: Final = oid("1.2.840.113549.1.9.22.1")
FRIENDLY_NAME: Final = oid("1.2.840.113549.1.9.20")
LOCAL_KEY_ID: Final = oid("1.2.840.113549.1.9.21")
# Java takes a certificate that carries this for a trust anchor, for the purposes that it names.
JAVA_TRUSTED: Final = oid("2.16.840.1.113894.746875.1.1")
ANY_PURPOSE: Final = oid("2.5.29.37.0")
SHA_3DES: Final = oid("1.2.840.113549.1.12.1.3")
SHA_RC2_40: Final = oid("1.2.840.113549.1.12.1.6")
PBKDF2: Final = oid("1.2.840.113549.1.5.12")
PBES2: Final = oid("1.2.840.113549.1.5.13")
PBMAC1: Final = oid("1.2.840.113549.1.5.14")
HMAC_SHA256: Final = oid("1.2.840.113549.2.9")
SHA256: Final = oid("2.16.840.1.101.3.4.2.1")
AES_256_CBC: Final = oid("2.16.840.1.101.3.4.1.42")
RSA_ENCRYPTION: Final = oid("1.2.840.113549.1.1.1")
