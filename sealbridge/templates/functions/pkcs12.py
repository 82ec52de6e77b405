"""The functions with PKCS#12 files. Know what they take and print; `pki.pfx` knows the format.

What is made is encrypted with AES-256 and base64; what is read is the bare file (`b64dec` before it).
"""

from __future__ import annotations

import base64
import contextlib

from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import Budget
from sealbridge.templates.pki import certificates, keys, pem, pfx
from sealbridge.templates.pki.certificates import Certificate
from sealbridge.templates.pki.keys import PrivateKey


def pkcs12key(budget: Budget, data: bytes) -> bytes:
    """The private key of a PKCS#12 file without a password, as PEM (PKCS#8).

    {{ pkcs12key .p12 | trunc 27 }} -> -----BEGIN PRIVATE KEY-----
    """
    return pkcs12key_pass(budget, b"", data)


def pkcs12key_pass(budget: Budget, password: bytes, data: bytes) -> bytes:
    """The private key of a PKCS#12 file, as PEM (PKCS#8).

    {{ pkcs12keyPass "" .p12 | trunc 27 }} -> -----BEGIN PRIVATE KEY-----
    """
    return pem.encode(b"PRIVATE KEY", keys.pkcs8(pfx.read(budget, data, password).key))


def pkcs12cert(budget: Budget, data: bytes) -> bytes:
    """The certificates of a PKCS#12 file without a password, as PEM from leaf to root.

    {{ eq (pkcs12cert .p12) .crt }} -> true
    """
    return pkcs12cert_pass(budget, b"", data)


def pkcs12cert_pass(budget: Budget, password: bytes, data: bytes) -> bytes:
    """The certificates of a PKCS#12 file, as PEM from leaf to root; as they stand if that is not clear.

    {{ eq (pkcs12certPass "" .p12) .crt }} -> true
    """
    found = pfx.read(budget, data, password).certificates
    # Several chains have no order. Nothing is lost: all of them are printed.
    with contextlib.suppress(FunctionError):
        found = certificates.ordered(found)
    return b"".join(map(Certificate.pem, found))


def pem_to_pkcs12(budget: Budget, certificate: bytes, key: bytes) -> bytes:
    """A PKCS#12 file without a password of the first certificate and a key in PEM, as base64.

    {{ eq (pemToPkcs12 .crt .key | b64dec | pkcs12cert) .crt }} -> true
    """
    return pem_to_pkcs12_pass(budget, certificate, key, b"")


def pem_to_pkcs12_pass(budget: Budget, certificate: bytes, key: bytes, password: bytes) -> bytes:
    """A PKCS#12 file of the first certificate and a key in PEM, as base64.

    {{ eq (pemToPkcs12Pass .crt .key "secret" | b64dec | pkcs12certPass "secret") .crt }} -> true
    """
    pem.charge(budget, certificate)
    leaf = certificates.parse(_block(certificate, "certificate").der)
    return base64.b64encode(pfx.write(budget, _key(key), [leaf], password))


def full_pem_to_pkcs12(budget: Budget, chain: bytes, key: bytes) -> bytes:
    """A PKCS#12 file without a password of a whole chain (leaf first) and a key in PEM, as base64.

    {{ eq (fullPemToPkcs12 .crt .key | b64dec | pkcs12key) .key }} -> true
    """
    return full_pem_to_pkcs12_pass(budget, chain, key, b"")


def full_pem_to_pkcs12_pass(budget: Budget, chain: bytes, key: bytes, password: bytes) -> bytes:
    """A PKCS#12 file of a whole chain (leaf first) and a key in PEM, as base64.

    {{ eq (fullPemToPkcs12Pass .crt .key "secret" | b64dec | pkcs12keyPass "secret") .key }} -> true
    """
    pem.charge(budget, chain)
    leaf = _block(chain, "certificate")
    found = [certificates.parse(leaf.der), *_certificates(chain, leaf.end)]
    return base64.b64encode(pfx.write(budget, _key(key), found, password))


def pem_truststore_to_pkcs12(budget: Budget, trusted: bytes) -> bytes:
    """A PKCS#12 trust store for Java without a password, of certificates in PEM, as base64.

    {{ pemTruststoreToPKCS12 .crt | b64dec | empty }} -> false
    """
    return pem_truststore_to_pkcs12_pass(budget, trusted, b"")


def pem_truststore_to_pkcs12_pass(budget: Budget, trusted: bytes, password: bytes) -> bytes:
    """A PKCS#12 trust store for Java, of certificates in PEM, as base64.

    {{ pemTruststoreToPKCS12Pass .crt "changeit" | b64dec | empty }} -> false
    """
    pem.charge(budget, trusted)
    return base64.b64encode(pfx.write_trust_store(budget, _certificates(trusted, 0), password))


def _certificates(text: bytes, start: int) -> list[Certificate]:
    """The blocks up to the end of the text, behind the last of which nothing may stand."""
    found: list[Certificate] = []
    while start < len(text):
        block = _block(text, "certificate", start)
        found.append(certificates.parse(block.der))
        start = block.end
    return found


def _key(text: bytes) -> PrivateKey:
    return keys.parse(_block(text, "key").der)


def _block(text: bytes, what: str, start: int = 0) -> pem.Block:
    block = pem.find(text, start)
    if block is None:
        raise FunctionError(f"the {what} is no PEM, or is followed by something else")
    return block
