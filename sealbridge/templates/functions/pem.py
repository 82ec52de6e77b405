"""The functions that pick from PEM. Know what they take and print; `pki` knows PEM and certificates."""

from __future__ import annotations

from sealbridge.templates.go import runes
from sealbridge.templates.go.values import FunctionError, Strings
from sealbridge.templates.limits import Budget
from sealbridge.templates.pki import certificates, pem


def filter_pem(budget: Budget, kind: bytes, text: bytes) -> bytes:
    """The PEM blocks of a type (in any case), one after the other; text without any block is an error.

    {{ eq (filterPEM "certificate" (print .key .crt)) .crt }} -> true
    """
    pem.charge(budget, text)
    text = _without_junk(text)
    wanted = runes.decode(kind).lower()
    end = 0
    found: list[bytes] = []
    for block in pem.blocks(text):
        end = block.end
        if runes.decode(block.label).lower() == wanted:
            found.append(pem.encode(block.label, block.der, block.headers))
    if not found and end < len(text):
        raise FunctionError("error filtering pem: found junk")
    return b"".join(found)


def filter_cert_chain(budget: Budget, kind: bytes, text: bytes) -> bytes:
    """The `leaf`, `intermediate` or `root` certificates of a chain in any order; empty if there is none.

    {{ eq (filterCertChain "leaf" .chain) .crt }} -> true
    """
    pem.charge(budget, text)
    chain = certificates.ordered(certificates.parse_all(text))
    leaf, last = chain[0], chain[-1]
    if kind == b"leaf" and not leaf.is_root():
        return leaf.pem()
    if kind == b"root" and last.is_root():
        return last.pem()
    found: list[bytes] = []
    if kind == b"intermediate":
        for certificate in chain[1:]:
            if certificate.is_root():
                break
            found.append(certificate.pem())
    return b"".join(found)


def cert_sans(budget: Budget, text: bytes) -> Strings:
    """The subject alternative names of a certificate: DNS names, IP addresses, e-mail addresses, URIs.

    {{ certSANs .crt | join " " }} -> example.com
    """
    pem.charge(budget, text)
    block = pem.find(_without_junk(text))
    if block is None:
        raise FunctionError("failed to decode PEM block")
    budget.grow(len(block.der))
    return Strings(certificates.alternative_names(certificates.parse(block.der)))


def _without_junk(text: bytes) -> bytes:
    """What follows the first BEGIN, wherever on its line that stands."""
    return text[max(text.find(b"-----BEGIN"), 0) :]
