"""PKCS#12 files (RFC 7292), read and written as software.sslmate.com/src/go-pkcs12 does.

Reads DER only, files protected by a password, of one or two parts. Writes what that library calls
`Modern`: PBES2 with AES-256 and SHA-256, 2048 iterations.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from sealbridge.sealing.der import Reader
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import Budget
from sealbridge.templates.pki import certificates, der, keys, names, pbe
from sealbridge.templates.pki.certificates import Certificate
from sealbridge.templates.pki.keys import PrivateKey

_ITERATIONS: Final = 2048
_SALT: Final = 16
_VERSION: Final = 3

Random = Callable[[int], bytes]


class Contents(NamedTuple):
    """The key of a file and its certificates, in their order."""

    key: PrivateKey
    certificates: list[Certificate]


def read(budget: Budget, data: bytes, password: bytes) -> Contents:
    """Open a file that has one key, and certificates."""
    try:
        return _contents(budget, data, pbe.Password(names.bmp(password)))
    except ValueError:
        raise FunctionError("the PKCS#12 file cannot be parsed") from None


def write(
    budget: Budget,
    key: PrivateKey,
    chain: list[Certificate],
    password: bytes,
    random: Random = secrets.token_bytes,
) -> bytes:
    """A file of a key and its certificates, the first of which is the key's."""
    secret = pbe.Password(names.bmp(password))
    fingerprint = hashlib.sha1(chain[0].raw, usedforsecurity=False).digest()
    local_key_id = _attribute(der.LOCAL_KEY_ID, der.element(der.OCTET_STRING, fingerprint))
    bags = [_cert_bag(chain[0], [local_key_id]), *(_cert_bag(issuer, []) for issuer in chain[1:])]
    algorithm, encrypted = _encrypted(keys.pkcs8(key), secret, random)
    shrouded = der.sequence(algorithm, der.element(der.OCTET_STRING, encrypted))
    parts = (
        _encrypted_part(bags, secret, random),
        _content(
            der.DATA,
            der.element(der.OCTET_STRING, der.sequence(_bag(der.SHROUDED_KEY_BAG, shrouded, [local_key_id]))),
        ),
    )
    return _file(budget, parts, secret, random)


def write_trust_store(
    budget: Budget, trusted: list[Certificate], password: bytes, random: Random = secrets.token_bytes
) -> bytes:
    """A file of trust anchors, marked as Java wants them; their subjects are their names."""
    secret = pbe.Password(names.bmp(password))
    mark = _attribute(der.JAVA_TRUSTED, der.element(der.OID, der.ANY_PURPOSE))
    bags = []
    for certificate in trusted:
        name = names.bmp(names.text_of(certificate.subject))
        bags.append(_cert_bag(certificate, [mark, _attribute(der.FRIENDLY_NAME, der.element(der.BMP, name))]))
    return _file(budget, (_encrypted_part(bags, secret, random),), secret, random)


def _contents(budget: Budget, data: bytes, password: pbe.Password) -> Contents:
    key: PrivateKey | None = None
    found: list[Certificate] = []
    safes, password = _safes(budget, data, password)
    for kind, value in _bags(budget, safes, password):
        if kind == der.CERT_BAG:
            found.append(certificates.parse(_certificate(value)))
        elif kind in (der.KEY_BAG, der.SHROUDED_KEY_BAG):
            if key is not None:
                raise FunctionError("the PKCS#12 file has more than one key")
            key = keys.parse(value if kind == der.KEY_BAG else _shrouded(budget, value, password))
    if not found:
        raise FunctionError("the PKCS#12 file has no certificate")
    if key is None:
        raise FunctionError("the PKCS#12 file has no private key")
    return Contents(key, found)


def _safes(budget: Budget, data: bytes, password: pbe.Password) -> tuple[list[Reader], pbe.Password]:
    """The parts of a file whose password is right, and the form of the password that is."""
    whole = Reader(data)
    file = whole.sequence()
    whole.finish()
    if file.integer() != _VERSION:
        raise FunctionError("the PKCS#12 file is of another version than 3")
    kind, content = _content_of(file.sequence())
    if kind != der.DATA:
        raise FunctionError("the PKCS#12 file is not protected by a password")
    text = content.read(der.OCTET_STRING)
    if not file.done():
        password = _authenticated(budget, file.sequence(), password, text)
    elif not password.is_empty():
        raise FunctionError("the PKCS#12 file has no MAC")
    parts = Reader(text).sequence()
    safes: list[Reader] = []
    while not parts.done():
        safes.append(parts.sequence())
    if not 1 <= len(safes) <= 2:
        raise FunctionError("the PKCS#12 file has another number of parts than one or two")
    return safes, password


def _authenticated(budget: Budget, data: Reader, password: pbe.Password, text: bytes) -> pbe.Password:
    info = data.sequence()
    algorithm, digest = info.read(der.SEQUENCE), info.read(der.OCTET_STRING)
    salt = data.read(der.OCTET_STRING)
    iterations = 1 if data.done() else data.integer()
    candidates = [password, pbe.Password.absent()] if password.is_empty() else [password]
    for candidate in candidates:
        computed = pbe.mac(budget, Reader(algorithm), salt, iterations, candidate, text)
        if hmac.compare_digest(computed, digest):
            return candidate
    raise FunctionError("the password is wrong")


def _bags(budget: Budget, safes: Iterable[Reader], password: pbe.Password) -> Iterator[tuple[bytes, bytes]]:
    """Kind and value of every bag."""
    for safe in safes:
        kind, content = _content_of(safe)
        if kind == der.DATA:
            text = content.read(der.OCTET_STRING)
        elif kind == der.ENCRYPTED_DATA:
            encrypted = content.sequence()
            if encrypted.integer() != 0:
                raise FunctionError("the PKCS#12 file has encrypted data of an unknown version")
            info = encrypted.sequence()
            info.read(der.OID)
            algorithm = info.sequence()
            text = pbe.decrypt(budget, algorithm, password, info.read(der.IMPLICIT))
        else:
            raise FunctionError("the PKCS#12 file has contents of an unknown kind")
        bags = Reader(text).sequence()
        while not bags.done():
            budget.step()
            bag = bags.sequence()
            yield bag.read(der.OID), bag.read(der.EXPLICIT)


def _content_of(info: Reader) -> tuple[bytes, Reader]:
    return info.read(der.OID), Reader(info.read(der.EXPLICIT))


def _certificate(bag: bytes) -> bytes:
    kind, value = _content_of(Reader(bag).sequence())
    if kind != der.X509_CERTIFICATE:
        raise FunctionError("the PKCS#12 file has a certificate that is not of X.509")
    return value.read(der.OCTET_STRING)


def _shrouded(budget: Budget, bag: bytes, password: pbe.Password) -> bytes:
    info = Reader(bag).sequence()
    algorithm = info.sequence()
    text = pbe.decrypt(budget, algorithm, password, info.read(der.OCTET_STRING))
    whole = Reader(text)
    whole.sequence()
    whole.finish()
    return text


def _attribute(kind: bytes, value: bytes) -> bytes:
    return der.sequence(der.element(der.OID, kind), der.set_of(value))


def _bag(kind: bytes, value: bytes, attributes: list[bytes]) -> bytes:
    parts = [der.element(der.OID, kind), der.element(der.EXPLICIT, value)]
    return der.sequence(*parts, *([der.set_of(*attributes)] if attributes else []))


def _cert_bag(certificate: Certificate, attributes: list[bytes]) -> bytes:
    value = der.element(der.EXPLICIT, der.element(der.OCTET_STRING, certificate.raw))
    return _bag(der.CERT_BAG, der.sequence(der.element(der.OID, der.X509_CERTIFICATE), value), attributes)


def _content(kind: bytes, *content: bytes) -> bytes:
    return der.sequence(der.element(der.OID, kind), der.element(der.EXPLICIT, *content))


def _encrypted_part(bags: list[bytes], password: pbe.Password, random: Random) -> bytes:
    algorithm, text = _encrypted(der.sequence(*bags), password, random)
    info = der.sequence(der.element(der.OID, der.DATA), algorithm, der.element(der.IMPLICIT, text))
    return _content(der.ENCRYPTED_DATA, der.sequence(der.integer(0), info))


def _encrypted(text: bytes, password: pbe.Password, random: Random) -> tuple[bytes, bytes]:
    """The algorithm with its parameters, and the text encrypted by it."""
    salt, iv = random(_SALT), random(_SALT)
    derivation = der.sequence(
        der.element(der.OID, der.PBKDF2),
        der.sequence(
            der.element(der.OCTET_STRING, salt),
            der.integer(_ITERATIONS),
            der.sequence(der.element(der.OID, der.HMAC_SHA256)),
        ),
    )
    scheme = der.sequence(der.element(der.OID, der.AES_256_CBC), der.element(der.OCTET_STRING, iv))
    algorithm = der.sequence(der.element(der.OID, der.PBES2), der.sequence(derivation, scheme))
    key = hashlib.pbkdf2_hmac("sha256", password.utf8, salt, _ITERATIONS, 32)
    return algorithm, pbe.encrypt(key, iv, text)


def _file(budget: Budget, parts: Iterable[bytes], password: pbe.Password, random: Random) -> bytes:
    text = der.sequence(*parts)
    salt = random(_SALT)
    algorithm = der.element(der.OID, der.SHA256)
    digest = pbe.mac(budget, Reader(algorithm), salt, _ITERATIONS, password, text)
    mac = der.sequence(
        der.sequence(der.sequence(algorithm), der.element(der.OCTET_STRING, digest)),
        der.element(der.OCTET_STRING, salt),
        der.integer(_ITERATIONS),
    )
    content = _content(der.DATA, der.element(der.OCTET_STRING, text))
    return der.sequence(der.integer(_VERSION), content, mac)
