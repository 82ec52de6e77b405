"""Secrets as `kubectl create secret` makes them: items from texts, Docker and TLS. Reads no file.

The same texts give the same bytes as there, and what is refused there is refused here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from sealbridge.errors import ManifestError
from sealbridge.secret import Value, check_item_key

DOCKER_TYPE, DOCKER_ITEM = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"
TLS_TYPE, TLS_CERTIFICATE, TLS_KEY = "kubernetes.io/tls", "tls.crt", "tls.key"
DOCKER_HUB = "https://index.docker.io/v1/"

_BOM = "\ufeff"
# What Go calls space.
_SPACE = (
    " \t\n\v\f\r\x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_GO_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def add(items: dict[str, Value], key: str, value: bytes) -> None:
    """Put an item to others. Raises ManifestError for a key that cannot be or is there already."""
    check_item_key(key)
    if key.startswith(".."):
        raise ManifestError(f"{key!r} is not an item key that Kubernetes takes", hint="it begins with '..'")
    if key in items:
        raise ManifestError(f"the item {key!r} is given twice", hint="keep one of them")
    items[key] = Value(value)


def literal(source: str) -> tuple[str, bytes]:
    """`key=value`. Raises ManifestError, which does not show the text: it may be a value."""
    key, equals, value = source.partition("=")
    if not equals or not key:
        raise ManifestError("a literal is not key=value")
    return key, value.encode("utf-8", "surrogateescape")


def file_source(source: str) -> tuple[str, str]:
    """`[key=]path` as key and path; the key of a bare path is empty. Raises ManifestError."""
    key, equals, path = source.partition("=")
    if not equals:
        return "", source
    if "=" in path:
        raise ManifestError(
            "neither key nor path may contain '='", where=source, hint="give the file another name"
        )
    if not key:
        raise ManifestError("the key is missing before '='", where=source)
    if not path:
        raise ManifestError("the path is missing after '='", where=source)
    return key, path


def env_file(data: bytes, environment: Mapping[str, str], *, where: str) -> dict[str, Value]:
    """The items of a file of `KEY=value` lines. A key alone takes its value from the environment.

    Values are taken as they stand: quotes and blanks are part of them. Raises ManifestError with the line.
    """
    items: dict[str, Value] = {}
    for number, raw in enumerate(data.split(b"\n"), 1):
        place = f"{where}: line {number}"
        try:
            line = raw.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise ManifestError("it is not UTF-8", where=place) from None
        if number == 1:
            line = line.removeprefix(_BOM)
        line = line.lstrip(_SPACE)
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not _VARIABLE.fullmatch(key) or key in {".", ".."} or key.startswith(".."):
            # Not shown: a line without '=' may be a value.
            raise ManifestError(
                "it does not begin with the name of a variable",
                where=place,
                hint="a line is KEY=value, the name of letters, digits, '-', '_' and '.', no digit first",
            )
        try:
            add(
                items, key, (value if equals else environment.get(key, "")).encode("utf-8", "surrogateescape")
            )
        except ManifestError as error:
            raise error.at(place) from None
    return items


def docker_config(server: str, username: str, password: str, email: str) -> bytes:
    """The JSON of a registry's credentials, to the byte as kubectl writes it."""
    auth = base64.b64encode(f"{username}:{password}".encode("utf-8", "surrogateescape")).decode()
    entry = {"username": username, "password": password, "email": email, "auth": auth}
    return _go_json({"auths": {server: {key: text for key, text in entry.items() if text}}}).encode()


def check_pair(certificate: bytes, key: bytes) -> None:
    """Refuse a private key that the certificate was not made for, as kubectl does. Raises ManifestError."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    from sealbridge.sealing import pem

    first = next((block for block in pem.blocks(certificate) if block.label == "CERTIFICATE"), None)
    if first is None or first.der is None:
        raise ManifestError("there is no PEM certificate in it", where=TLS_CERTIFICATE)
    private = next(
        (
            block
            for block in pem.blocks(key)
            if block.label == "PRIVATE KEY" or block.label.endswith(" PRIVATE KEY")
        ),
        None,
    )
    if private is None:
        raise ManifestError("there is no PEM private key in it", where=TLS_KEY)
    if private.label == "ENCRYPTED PRIVATE KEY" or b"ENCRYPTED" in private.text.split(b"\n\n")[0][:200]:
        raise ManifestError(
            "the private key is protected by a passphrase",
            where=TLS_KEY,
            hint="write it without one first: openssl pkey -in FILE -out PLAIN",
        )
    try:
        public = x509.load_der_x509_certificate(first.der).public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise ManifestError("the certificate is damaged", where=TLS_CERTIFICATE) from None
    try:
        loaded = load_pem_private_key(private.text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ManifestError("the private key is damaged", where=TLS_KEY) from None
    forms = [
        one.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for one in (public, loaded.public_key())
    ]
    if forms[0] != forms[1]:
        raise ManifestError(
            "the private key does not belong to the certificate",
            where=TLS_KEY,
            hint="the certificate of the key comes first in its file, then the ones above it",
        )


def _go_json(value: Any) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # What argv holds that is no UTF-8 becomes the replacement character in Go's JSON.
    text = "".join("\\ufffd" if "\udc80" <= letter <= "\udcff" else letter for letter in text)
    # Go writes these two so, and the rest of the control characters as Python does.
    text = text.replace("\\u007f", "\x7f")
    return "".join(_GO_ESCAPES.get(letter, letter) for letter in text)
