"""Certificates read without `cryptography`, and held against it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.pki import certificates, pem
from tests import chains
from tests.sealing_keys import sealing_key

LEAF = chains.chain().leaf


def test_identifiers_are_those_that_the_library_reads() -> None:
    chain = chains.chain()
    for signed in (chain.leaf, chain.intermediate, chain.root):
        found = certificates.parse(signed.der)

        extensions = signed.certificate.extensions
        subject = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        assert found.subject_key_id == subject.digest
        if signed is not chain.root:
            authority = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
            assert found.authority_key_id == authority.key_identifier
        assert found.pem() == signed.pem
        assert found.is_root() == (signed is chain.root)


def test_certificates_of_sealed_secrets_are_read() -> None:
    block = pem.find(sealing_key().certificate.pem)

    assert block is not None
    assert certificates.parse(block.der).is_root()


def changed(old: bytes, new: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        assert LEAF.der.count(old) >= 1
        return LEAF.der.replace(old, new, 1)

    return make


_SERIAL = LEAF.der.index(b"\xa0\x03\x02\x01\x02\x02") + 7

REFUSED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "a key": lambda: chains.chain().leaf.key_pem,
    "less": lambda: LEAF.der[:-1],
    "more": lambda: LEAF.der + b"\0",
    "a negative serial number": lambda: LEAF.der[:_SERIAL] + b"\x80" + LEAF.der[_SERIAL + 1 :],
    "another version": changed(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03"),
    "a time that is none": changed(b"240101000000Z", b"249901000000Z"),
    # ecdsa-with-SHA256 becomes ecdsa-with-SHA384 in one of two places.
    "two signature algorithms": changed(
        b"\x2a\x86\x48\xce\x3d\x04\x03\x02", b"\x2a\x86\x48\xce\x3d\x04\x03\x03"
    ),
    "an extension twice": changed(b"\x06\x03\x55\x1d\x0e", b"\x06\x03\x55\x1d\x23"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_certificate_is_refused(name: str) -> None:
    with pytest.raises(FunctionError, match=r"^the certificate cannot be parsed$"):
        certificates.parse(REFUSED[name]())


def test_a_certificate_with_a_name_that_is_none_is_refused() -> None:
    for common_name in (b"intermediate", b"leaf"):
        with pytest.raises(FunctionError, match="a name in the certificate cannot be parsed"):
            certificates.parse(changed(common_name, b"\xff" * len(common_name))())


@given(st.integers(0, len(LEAF.der) - 1), st.integers(0, 255))
def test_a_changed_certificate_is_read_or_refused(at: int, byte: int) -> None:
    raw = LEAF.der[:at] + bytes((byte,)) + LEAF.der[at + 1 :]
    try:
        found = certificates.parse(raw)
        names = certificates.alternative_names(found)
    except FunctionError:
        return
    assert found.raw == raw
    assert isinstance(names, list)
