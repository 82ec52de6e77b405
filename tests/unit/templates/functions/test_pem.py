"""filterPEM, filterCertChain and certSANs, in the tables of External Secrets and beyond."""

from __future__ import annotations

import ipaddress
import itertools

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from sealbridge.templates.functions.pem import cert_sans, filter_cert_chain, filter_pem
from sealbridge.templates.go.values import FunctionError, Strings
from sealbridge.templates.limits import BoundExceeded, Budget, Limits
from sealbridge.templates.pki import pem
from tests import chains

CERT = chains.chain().leaf.pem
OTHER = chains.chain().root.pem
KEY = chains.chain().leaf.key_pem

FILTERED: dict[str, tuple[bytes, str, bytes]] = {
    "certificate first": (CERT + KEY, "certificate", CERT),
    "key first": (KEY + CERT, "certificate", CERT),
    "several certificates": (KEY + CERT + KEY + OTHER, "certificate", CERT + OTHER),
    "the key": (KEY + CERT, "private key", KEY),
    "any case": (KEY + CERT, "Private KEY", KEY),
    "the key and junk": (CERT + KEY + b"some ---junk---", "private key", KEY),
    "junk at both ends": (b"some junk" + CERT + KEY + b"some ---junk---", "private key", KEY),
    "junk before the only block": (b"some junk" + CERT, "certificate", CERT),
    "junk on lines of its own": (CERT + b"some junk\n" + KEY + b"more", "private key", KEY),
    "junk between, behind what is wanted": (CERT + b"some junk" + KEY, "certificate", CERT),
    "line ends of DOS": (KEY + CERT.replace(b"\n", b"\r\n"), "certificate", CERT),
    "no block of the type": (CERT, "private key", b""),
    "nothing": (b"", "certificate", b""),
    "the label only": (CERT, "cert", b""),
    "a block that is no certificate at all": (
        pem.encode(b"CERTIFICATE", b"x"),
        "certificate",
        pem.encode(b"CERTIFICATE", b"x"),
    ),
}

JUNK = {
    "junk only": (b"---junk---", "private key"),
    "a line end only": (b"\n", "certificate"),
    "junk before what is wanted": (CERT + b"some junk" + KEY, "private key"),
    "junk behind, and nothing found": (CERT + b"some junk", "private key"),
    "a block cut short": (KEY[:-20], "private key"),
}


@pytest.mark.parametrize("name", FILTERED)
def test_blocks_of_a_type_are_picked(name: str) -> None:
    text, kind, expected = FILTERED[name]

    assert filter_pem(Budget(), kind.encode(), text) == expected


@pytest.mark.parametrize("name", JUNK)
def test_junk_without_a_block_is_refused(name: str) -> None:
    text, kind = JUNK[name]

    with pytest.raises(FunctionError, match=r"^error filtering pem: found junk$"):
        filter_pem(Budget(), kind.encode(), text)


# Members of the chain, and what is leaf, intermediate and root in them.
CHAINS = {
    "leaf": ("leaf", "", ""),
    "root": ("", "", "root"),
    "intermediate": ("intermediate", "", ""),
    "leaf intermediate": ("leaf", "intermediate", ""),
    "intermediate root": ("intermediate", "", "root"),
    "leaf intermediate root": ("leaf", "intermediate", "root"),
}


def text_of(names: str) -> bytes:
    return b"".join(getattr(chains.chain(), name).pem for name in names.split())


@pytest.mark.parametrize("names", CHAINS)
def test_members_of_a_chain_are_found_in_any_order(names: str) -> None:
    for order in itertools.permutations(names.split()):
        text = text_of(" ".join(order))
        for kind, expected in zip((b"leaf", b"intermediate", b"root"), CHAINS[names], strict=True):
            assert filter_cert_chain(Budget(), kind, text) == text_of(expected)
        assert filter_cert_chain(Budget(), b"Leaf", text) == b""


def test_several_intermediates_are_printed_from_leaf_to_root() -> None:
    chain = chains.chain()
    second = chains.sign("second", ec.generate_private_key(ec.SECP256R1()), chain.intermediate)
    leaf = chains.sign("leaf", ec.generate_private_key(ec.SECP256R1()), second)
    text = chain.intermediate.pem + leaf.pem + chain.root.pem + second.pem

    assert filter_cert_chain(Budget(), b"intermediate", text) == second.pem + chain.intermediate.pem


@pytest.mark.parametrize("kind", ["leaf", "intermediate", "root"])
@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", "no leaf certificate found"),
        (b"no PEM", "no leaf certificate found"),
        (text_of("leaf stranger"), "multiple leaf or disjunct"),
        (text_of("leaf root"), "multiple leaf or disjunct"),
        (text_of("leaf intermediate root stranger"), "multiple leaf or disjunct"),
        (text_of("leaf") + KEY, "the certificate cannot be parsed"),
        (KEY + text_of("leaf"), "the certificate cannot be parsed"),
        (text_of("leaf leaf"), "multiple leaf or disjunct"),
        (text_of("root root"), "multiple leaf or disjunct"),
        (pem.encode(b"CERTIFICATE", b"invalid"), "the certificate cannot be parsed"),
        (pem.encode(b"CERTIFICATE", chains.chain().leaf.der + b"\0"), "the certificate cannot be parsed"),
    ],
    ids=range(11),
)
def test_what_is_not_one_chain_is_refused(kind: str, text: bytes, error: str) -> None:
    with pytest.raises(FunctionError, match=error):
        filter_cert_chain(Budget(), kind.encode(), text)


def test_certificates_without_identifiers_have_no_order_but_alone() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    one, other = (chains.sign(name, key, identifiers=False).pem for name in ("one", "other"))

    assert filter_cert_chain(Budget(), b"root", one) == one
    assert filter_cert_chain(Budget(), b"leaf", one) == b""
    with pytest.raises(FunctionError, match="no leaf certificate found"):
        filter_cert_chain(Budget(), b"root", one + other)


def named(*names: x509.GeneralName) -> bytes:
    return chains.sign("x", ec.generate_private_key(ec.SECP256R1()), names=names).pem


def test_alternative_names_are_in_order_of_their_kinds() -> None:
    text = named(
        x509.UniformResourceIdentifier("HTTPS://Example.com/A?b#c"),
        x509.RFC822Name("admin@example.com"),
        x509.IPAddress(ipaddress.ip_address("192.168.1.10")),
        x509.DNSName("example.com"),
        x509.DirectoryName(chains.subject("left out")),
        x509.IPAddress(ipaddress.ip_address("2001:db8:0:0::1")),
        x509.IPAddress(ipaddress.ip_address("::ffff:10.0.0.1")),
        x509.DNSName("*.example.com"),
        x509.UniformResourceIdentifier("spiffe://cluster/ns/x"),
    )

    names = cert_sans(Budget(), text)

    assert type(names) is Strings
    assert b" ".join(names).decode().split() == [
        *("example.com", "*.example.com", "192.168.1.10", "2001:db8::1", "10.0.0.1", "admin@example.com"),
        *("https://Example.com/A?b#c", "spiffe://cluster/ns/x"),
    ]


def test_only_the_first_certificate_is_looked_at_and_junk_before_it_is_not() -> None:
    assert cert_sans(Budget(), b"some junk" + CERT + OTHER) == [b"example.com"]
    assert cert_sans(Budget(), OTHER + CERT) == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", "failed to decode PEM block"),
        (b"not a pem", "failed to decode PEM block"),
        (KEY, "the certificate cannot be parsed"),
    ],
)
def test_what_is_no_certificate_has_no_names(text: bytes, error: str) -> None:
    with pytest.raises(FunctionError, match=error):
        cert_sans(Budget(), text)


def test_names_that_are_none_are_refused() -> None:
    # An address of five bytes: what stands behind `10.0.0.1` is taken into it.
    raw = chains.sign(
        "x",
        ec.generate_private_key(ec.SECP256R1()),
        names=[x509.IPAddress(ipaddress.ip_address("10.0.0.1")), x509.DNSName("abc")],
    ).der
    broken = raw.replace(b"\x87\x04\x0a\0\0\x01\x82\x03abc", b"\x87\x05\x0a\0\0\x01\x82\x82\x02bc")
    assert broken != raw

    with pytest.raises(FunctionError, match="alternative names of the certificate cannot be parsed"):
        cert_sans(Budget(), pem.encode(b"CERTIFICATE", broken))


@pytest.mark.parametrize("text", [b"x" * 65, CERT])
def test_looking_for_blocks_is_charged_by_size(text: bytes) -> None:
    with pytest.raises(BoundExceeded, match="1 steps"):
        filter_pem(Budget(Limits(steps=1)), b"x", text)
    with pytest.raises(BoundExceeded, match="1 steps"):
        filter_cert_chain(Budget(Limits(steps=1)), b"leaf", text)
    with pytest.raises(BoundExceeded, match="1 steps"):
        cert_sans(Budget(Limits(steps=1)), text)
