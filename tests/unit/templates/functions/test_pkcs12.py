"""The PKCS#12 functions: what they take, print and refuse. `interop` holds their files against openssl."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12 as library

from sealbridge.templates.functions import pkcs12
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import BoundExceeded, Budget, Limits
from sealbridge.templates.pki import pem
from tests import chains

CHAIN = chains.chain()
LEAF, ISSUER, ROOT, KEY = CHAIN.leaf.pem, CHAIN.intermediate.pem, CHAIN.root.pem, CHAIN.leaf.key_pem


@pytest.fixture
def budget() -> Budget:
    return Budget()


@pytest.mark.parametrize("password", [b"", b"1234", "pässword €".encode(), b"\xff"])
def test_what_is_made_is_read_again_and_by_the_library(budget: Budget, password: bytes) -> None:
    made = base64.b64decode(
        pkcs12.full_pem_to_pkcs12_pass(budget, LEAF + ISSUER + ROOT, KEY, password), validate=True
    )

    assert pkcs12.pkcs12key_pass(budget, password, made) == KEY
    assert pkcs12.pkcs12cert_pass(budget, password, made) == LEAF + ISSUER + ROOT
    # A byte that is no UTF-8 is the replacement character, as in a Go string.
    key, certificate, others = library.load_key_and_certificates(
        made, password.replace(b"\xff", b"\xef\xbf\xbd")
    )
    assert key is not None
    assert chains.key_pem(key) == KEY
    assert [certificate, *others] == [one.certificate for one in (CHAIN.leaf, CHAIN.intermediate, CHAIN.root)]


def test_functions_without_a_password_have_the_empty_one(budget: Budget) -> None:
    for made in (pkcs12.pem_to_pkcs12(budget, LEAF, KEY), pkcs12.full_pem_to_pkcs12(budget, LEAF, KEY)):
        data = base64.b64decode(made)
        assert pkcs12.pkcs12key(budget, data) == pkcs12.pkcs12key_pass(budget, b"", data) == KEY
        assert pkcs12.pkcs12cert(budget, data) == pkcs12.pkcs12cert_pass(budget, b"", data) == LEAF


def test_one_function_takes_the_first_certificate_the_other_all(budget: Budget) -> None:
    text = b"junk\n" + LEAF + b"junk\n" + ISSUER

    first = pkcs12.pem_to_pkcs12(budget, text, b"junk\n" + KEY + b"junk")
    assert pkcs12.pkcs12cert(budget, base64.b64decode(first)) == LEAF
    every = pkcs12.full_pem_to_pkcs12(budget, text, KEY)
    assert pkcs12.pkcs12cert(budget, base64.b64decode(every)) == LEAF + ISSUER


def test_a_key_need_not_fit_its_certificate(budget: Budget) -> None:
    made = base64.b64decode(pkcs12.pem_to_pkcs12(budget, ROOT, KEY))

    assert pkcs12.pkcs12key(budget, made) == KEY
    assert pkcs12.pkcs12cert(budget, made) == ROOT


def test_certificates_are_ordered_if_they_are_one_chain(budget: Budget) -> None:
    for text, expected in (
        (ROOT + LEAF + ISSUER, LEAF + ISSUER + ROOT),
        (LEAF + ROOT, LEAF + ROOT),
        (ROOT + LEAF, ROOT + LEAF),
        (ISSUER + CHAIN.stranger.pem + LEAF, ISSUER + CHAIN.stranger.pem + LEAF),
    ):
        made = base64.b64decode(pkcs12.full_pem_to_pkcs12(budget, text, KEY))
        assert pkcs12.pkcs12cert(budget, made) == expected


@pytest.mark.parametrize("password", [b"", b"changeit"])
def test_a_trust_store_holds_certificates_by_name_and_no_key(budget: Budget, password: bytes) -> None:
    made = base64.b64decode(pkcs12.pem_truststore_to_pkcs12_pass(budget, ROOT + CHAIN.stranger.pem, password))

    opened = library.load_pkcs12(made, password)

    assert opened.key is None
    assert opened.cert is None
    assert [(one.certificate, one.friendly_name) for one in opened.additional_certs] == [
        (CHAIN.root.certificate, b"CN=root"),
        (CHAIN.stranger.certificate, b"CN=stranger"),
    ]
    with pytest.raises(FunctionError, match="no private key"):
        pkcs12.pkcs12cert_pass(budget, password, made)


def test_an_empty_trust_store_can_be_made(budget: Budget) -> None:
    made = base64.b64decode(pkcs12.pem_truststore_to_pkcs12(budget, b""))

    assert library.load_pkcs12(made, b"").additional_certs == []


def test_no_file_is_made_twice(budget: Budget) -> None:
    assert pkcs12.pem_to_pkcs12(budget, LEAF, KEY) != pkcs12.pem_to_pkcs12(budget, LEAF, KEY)


REFUSED: dict[str, tuple[Callable[[Budget], bytes], str]] = {
    "no certificate": (
        lambda budget: pkcs12.pem_to_pkcs12(budget, b"text", KEY),
        "the certificate is no PEM",
    ),
    "no text": (lambda budget: pkcs12.pem_to_pkcs12(budget, b"", KEY), "the certificate is no PEM"),
    "no key": (lambda budget: pkcs12.pem_to_pkcs12(budget, LEAF, b"text"), "the key is no PEM"),
    "a key for a certificate": (
        lambda budget: pkcs12.pem_to_pkcs12(budget, KEY, KEY),
        "the certificate cannot be parsed",
    ),
    "a certificate for a key": (
        lambda budget: pkcs12.pem_to_pkcs12(budget, LEAF, LEAF),
        "the private key cannot be parsed",
    ),
    "DER": (lambda budget: pkcs12.pem_to_pkcs12(budget, CHAIN.leaf.der, KEY), "the certificate is no PEM"),
    "an empty line behind the chain": (
        lambda budget: pkcs12.full_pem_to_pkcs12(budget, LEAF + ISSUER + b"\n", KEY),
        "is followed by something else",
    ),
    "a key in the chain": (
        lambda budget: pkcs12.full_pem_to_pkcs12(budget, LEAF + KEY, KEY),
        "the certificate cannot be parsed",
    ),
    "an empty line behind trusted certificates": (
        lambda budget: pkcs12.pem_truststore_to_pkcs12(budget, ROOT + b"\n"),
        "is followed by something else",
    ),
    "a password of another plane": (
        lambda budget: pkcs12.pem_to_pkcs12_pass(budget, LEAF, KEY, "😀".encode()),
        "cannot be encoded in UCS-2",
    ),
    "no PKCS#12": (lambda budget: pkcs12.pkcs12key(budget, b"text"), "the PKCS#12 file cannot be parsed"),
    "nothing": (lambda budget: pkcs12.pkcs12cert(budget, b""), "the PKCS#12 file cannot be parsed"),
    "base64": (
        lambda budget: pkcs12.pkcs12cert(budget, pkcs12.pem_to_pkcs12(budget, LEAF, KEY)),
        "the PKCS#12 file cannot be parsed",
    ),
    "a certificate": (
        lambda budget: pkcs12.pkcs12cert(budget, CHAIN.leaf.der),
        "the PKCS#12 file cannot be parsed",
    ),
    "a wrong password": (
        lambda budget: pkcs12.pkcs12key_pass(
            budget, b"wrong", base64.b64decode(pkcs12.pem_to_pkcs12_pass(budget, LEAF, KEY, b"right"))
        ),
        "the password is wrong",
    ),
    "no password": (
        lambda budget: pkcs12.pkcs12key(
            budget, base64.b64decode(pkcs12.pem_to_pkcs12_pass(budget, LEAF, KEY, b"right"))
        ),
        "the password is wrong",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(budget: Budget, name: str) -> None:
    call, error = REFUSED[name]

    with pytest.raises(FunctionError, match=error) as caught:
        call(budget)
    assert caught.value.__cause__ is None


def test_every_call_is_charged() -> None:
    # Making derives one key as templates count it, reading three.
    budget = Budget(Limits(steps=420))
    data = base64.b64decode(pkcs12.pem_to_pkcs12(budget, LEAF, KEY))

    with pytest.raises(BoundExceeded, match="420 steps"):
        pkcs12.pkcs12key(budget, data)


def test_a_block_of_another_label_is_taken_for_what_it_holds(budget: Budget) -> None:
    text = pem.encode(b"TRUSTED CERTIFICATE", CHAIN.leaf.der)

    assert pkcs12.pkcs12cert(budget, base64.b64decode(pkcs12.pem_to_pkcs12(budget, text, KEY))) == LEAF
