"""Names as Go prints them; 400 random ones were held against Go when this was written."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from sealbridge.sealing.der import Reader
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.pki import der, names

CN, OU, EMAIL = NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.EMAIL_ADDRESS


def printed(*attributes: tuple[x509.ObjectIdentifier, str]) -> str:
    members = [x509.NameAttribute(kind, value, _ASN1Type.UTF8String) for kind, value in attributes]
    return names.text_of(Reader(x509.Name(members).public_bytes()).read(der.SEQUENCE))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ([], ""),
        ([(CN, "a")], "CN=a"),
        ([(CN, "a"), (OU, "b")], "CN=a,OU=b"),
        ([(OU, "a"), (CN, "x"), (OU, "b")], "CN=x,OU=a+OU=b"),
        ([(CN, "a"), (CN, "b")], "CN=b"),
        (
            [
                (NameOID.COUNTRY_NAME, "DE"),
                (NameOID.STATE_OR_PROVINCE_NAME, "st"),
                (NameOID.LOCALITY_NAME, "l"),
                (NameOID.STREET_ADDRESS, "s"),
                (NameOID.POSTAL_CODE, "p"),
                (NameOID.ORGANIZATION_NAME, "o"),
                (OU, "ou"),
                (CN, "cn"),
                (NameOID.SERIAL_NUMBER, "1"),
            ],
            "SERIALNUMBER=1,CN=cn,OU=ou,O=o,POSTALCODE=p,STREET=s,L=l,ST=st,C=DE",
        ),
        ([(CN, 'a,b+c"d\\e<f>g;h')], 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h'),
        ([(CN, " a # ")], "CN=\\ a #\\ "),
        ([(CN, "#a")], "CN=\\#a"),
        ([(CN, "é😀")], "CN=é😀"),
        # Others are printed as DER: text that PrintableString can say, and text that it cannot.
        ([(NameOID.DOMAIN_COMPONENT, "ab")], "0.9.2342.19200300.100.1.25=#13026162"),
        (
            [(EMAIL, "a@b"), (CN, "c"), (NameOID.TITLE, "t")],
            "CN=c,2.5.4.12=#130174,1.2.840.113549.1.9.1=#0c03614062",
        ),
    ],
    ids=range(12),
)
def test_names_are_printed(attributes: list[tuple[x509.ObjectIdentifier, str]], expected: str) -> None:
    assert printed(*attributes) == expected


def one(tag: int, content: bytes) -> bytes:
    return der.set_of(der.sequence(der.element(der.OID, der.oid("2.5.4.3")), der.element(tag, content)))


@pytest.mark.parametrize(
    ("tag", "content", "expected"),
    [(0x13, b"a", "a"), (0x16, b"a", "a"), (0x12, b"1", "1"), (0x14, b"\xe9", "é"), (0x1E, b"\x20\xac", "€")],
    ids=["printable", "IA5", "numeric", "T61", "BMP"],
)
def test_strings_of_every_kind_are_read(tag: int, content: bytes, expected: str) -> None:
    assert names.text_of(one(tag, content)) == f"CN={expected}"


@pytest.mark.parametrize(
    "name", [one(0x0C, b"\xff"), one(0x16, b"\xff"), one(0x04, b"a"), b"\x31"], ids=range(4)
)
def test_what_is_no_name_is_refused(name: bytes) -> None:
    with pytest.raises(FunctionError, match="a name in the certificate cannot be parsed"):
        names.text_of(name)


def test_passwords_and_names_take_two_bytes_a_character() -> None:
    assert names.bmp("a€".encode()) == b"\0a\x20\xac"
    assert names.bmp(b"\xff") == b"\xff\xfd"
    assert names.bmp("") == b""
    with pytest.raises(FunctionError, match="cannot be encoded in UCS-2"):
        names.bmp("a😀")


@pytest.mark.parametrize(
    "content", [b"\x88\x80\x80\x80\x00", b"\x55\x88\x80\x80\x80\x00", b"\xff" * 100_000 + b"\x01"]
)
def test_an_identifier_with_a_number_beyond_31_bits_is_none(content: bytes) -> None:
    value = der.sequence(der.element(der.OID, content), der.element(der.UTF8, b"x"))
    with pytest.raises(FunctionError):
        names.text_of(der.set_of(value))
