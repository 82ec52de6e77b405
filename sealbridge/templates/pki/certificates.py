"""X.509 certificates: identifiers, names and alternative names, and which issued which. Verifies nothing.

They are read here and not by `cryptography`, which refuses all extensions for one that it takes
exception to, as in certificates of Sealed Secrets, and will refuse the serial number 0 of old roots.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sealbridge.sealing.der import Reader
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.pki import der, names, pem

LABEL: Final = b"CERTIFICATE"

_SUBJECT_KEY_ID, _ALTERNATIVE_NAMES, _AUTHORITY_KEY_ID = map(der.oid, ("2.5.29.14", "2.5.29.17", "2.5.29.35"))
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_VERSIONS: Final = range(3)
_EMAIL, _DNS, _URI, _IP = 0x81, 0x82, 0x86, 0x87


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate: its bytes, its subject as they are in it, and what the two key identifiers are."""

    raw: bytes
    subject: bytes
    subject_key_id: bytes | None
    authority_key_id: bytes | None
    alternative_names: bytes | None

    def is_root(self) -> bool:
        """Whether it names no other issuer's key."""
        return self.authority_key_id is None or self.authority_key_id == (self.subject_key_id or b"")

    def pem(self) -> bytes:
        """The certificate as a PEM block."""
        return pem.encode(LABEL, self.raw)


def parse(raw: bytes) -> Certificate:
    """One certificate in DER, and nothing behind it."""
    try:
        return _parse(raw)
    except ValueError:
        raise FunctionError("the certificate cannot be parsed") from None


def parse_all(text: bytes) -> list[Certificate]:
    """All PEM blocks of a text, which must be certificates."""
    return [parse(block.der) for block in pem.blocks(text)]


def ordered(certificates: Sequence[Certificate]) -> list[Certificate]:
    """The certificates from leaf to root, when the key identifiers tell of one chain.

    One that is no part of the chain makes two leaves, and that is an error.
    """
    issuers: dict[int, int] = {}
    known: dict[bytes, list[int]] = {}
    for index, certificate in enumerate(certificates):
        known.setdefault(certificate.subject_key_id or b"", []).append(index)
    for index, certificate in enumerate(certificates):
        # The first other one with that key; there are at most two to look at.
        for other in known.get(certificate.authority_key_id or b"", ())[:2]:
            if other != index:
                issuers[index] = other
                break
    leaves = set(range(len(certificates))) - set(issuers.values())
    if len(leaves) > 1:
        raise FunctionError("found multiple leaf or disjunct certificates")
    if not leaves:
        raise FunctionError("no leaf certificate found")
    chain: list[Certificate] = []
    link: int | None = leaves.pop()
    while link is not None:
        if len(chain) == len(certificates):
            raise FunctionError("constructing chain resulted in cycle")
        chain.append(certificates[link])
        link = issuers.get(link)
    return chain


def alternative_names(certificate: Certificate) -> list[bytes]:
    """All subject alternative names: DNS names, IP addresses, e-mail addresses, URIs, in this order."""
    found: dict[int, list[bytes]] = {_DNS: [], _IP: [], _EMAIL: [], _URI: []}
    if certificate.alternative_names is not None:
        try:
            entries = Reader(certificate.alternative_names).sequence()
            while not entries.done():
                tag, content = entries.element()
                if tag in found:
                    found[tag].append(_name(tag, content))
        except ValueError:
            raise FunctionError("the alternative names of the certificate cannot be parsed") from None
    return [name for names_of_kind in found.values() for name in names_of_kind]


def _name(tag: int, content: bytes) -> bytes:
    if tag == _IP:
        # Of any other length than 4 or 16 it is no address, and ValueError.
        address = ipaddress.ip_address(content)
        return str(getattr(address, "ipv4_mapped", None) or address).encode()
    if not content.isascii():
        raise ValueError("not an IA5String")
    if tag == _URI:
        scheme, colon, rest = content.partition(b":")
        return scheme.lower() + colon + rest
    return content


def _parse(raw: bytes) -> Certificate:
    whole = Reader(raw)
    signed = whole.sequence()
    whole.finish()
    fields = signed.sequence()
    algorithm = signed.read(der.SEQUENCE)
    signed.read(der.BIT_STRING)
    if fields.peek() == _VERSION and Reader(fields.read(_VERSION)).integer() not in _VERSIONS:
        raise ValueError("an unknown version")
    if fields.integer() < 0:
        raise ValueError("a negative serial number")
    if fields.read(der.SEQUENCE) != algorithm:
        raise ValueError("two signature algorithms")
    names.text_of(fields.read(der.SEQUENCE))
    validity = fields.sequence()
    validity.time()
    validity.time()
    subject = fields.read(der.SEQUENCE)
    names.text_of(subject)
    key = fields.sequence()
    key.sequence()
    key.read(der.BIT_STRING)
    extensions: dict[bytes, bytes] = {}
    while not fields.done():
        tag, content = fields.element()
        if tag == _EXTENSIONS:
            extensions = _extensions(content)
    return Certificate(
        raw,
        subject,
        _octets(extensions.get(_SUBJECT_KEY_ID)),
        _key_id(extensions.get(_AUTHORITY_KEY_ID)),
        extensions.get(_ALTERNATIVE_NAMES),
    )


def _extensions(content: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    entries = Reader(content).sequence()
    while not entries.done():
        entry = entries.sequence()
        name = entry.read(der.OID)
        if entry.peek() != der.OCTET_STRING:
            entry.element()  # critical
        if name in found:
            raise ValueError("an extension twice")
        found[name] = entry.read(der.OCTET_STRING)
    return found


def _octets(extension: bytes | None) -> bytes | None:
    return None if extension is None else Reader(extension).read(der.OCTET_STRING)


def _key_id(extension: bytes | None) -> bytes | None:
    if extension is None:
        return None
    fields = Reader(extension).sequence()
    return fields.read(der.IMPLICIT) if fields.peek() == der.IMPLICIT else None
