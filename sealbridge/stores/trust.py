"""Certificates between a store and its server: whom we trust, who we are. Knows no protocol above TLS."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from sealbridge.errors import Invalid
from sealbridge.stores.base import Resolver, SecretKeySelector


class Model(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What all parts of a provider's configuration have in common: camelCase, unknown fields refused."""


class SecretRef(Model, frozen=True):
    """A pointer to an item of a Secret."""

    name: str
    key: str = ""
    namespace: str = ""


class CAProvider(Model, frozen=True):
    """A pointer to CA certificates in a Secret or ConfigMap."""

    type: Literal["Secret", "ConfigMap"]
    name: str
    key: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """PEM of a client certificate and its key."""

    certificate: bytes
    key: bytes = field(repr=False)


async def secret_item(resolver: Resolver, reference: SecretRef) -> bytes:
    """What a pointer points to. Raises what `resolver` raises."""
    selector = SecretKeySelector(reference.name, reference.key, reference.namespace)
    return (await resolver.secret_value(selector)).reveal()


async def authorities(bundle: str, provider: CAProvider | None, resolver: Resolver, where: str) -> str | None:
    """The CA certificates of a spec in PEM, or None where it names none. Raises Invalid."""
    if bundle:
        return _pem(bundle, f"{where}.caBundle")
    if provider is None:
        return None
    if provider.type == "ConfigMap":
        text = await resolver.config_map_value(provider.name, provider.key, provider.namespace)
    else:
        pointer = SecretRef(name=provider.name, key=provider.key, namespace=provider.namespace)
        text = (await secret_item(resolver, pointer)).decode("ascii", "replace")
    return _pem(text, f"{where}.caProvider")


def tls_context(ca: str | None, client: ClientCertificate | None = None) -> ssl.SSLContext:
    """Trusts `ca` alone, or what the system trusts without one. Raises Invalid."""
    try:
        context = ssl.create_default_context(cadata=ca)
    except ssl.SSLError:
        raise Invalid("the CA is not a certificate in PEM") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if client is not None:
        with _file(client.certificate + b"\n" + client.key) as path:
            try:
                context.load_cert_chain(path, password=_no_password)
            except (ssl.SSLError, ValueError):
                raise Invalid("the client certificate and its key are not PEM, or not a pair") from None
    return context


def _no_password() -> str:
    """Without it OpenSSL would ask on the terminal for that of an encrypted key."""
    raise ValueError


def _pem(text: str, where: str) -> str:
    """PEM, given as it is or once more in base64."""
    if "-----BEGIN" not in text:
        try:
            text = base64.b64decode("".join(text.split()), validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            text = ""
    if "-----BEGIN" not in text:
        raise Invalid("neither a certificate in PEM nor one in base64", where=where)
    return text


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    """The only way into an SSLContext is by file: one in memory, where the system has that."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").exists():
        descriptor = os.memfd_create("sealbridge")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
        return
    with tempfile.TemporaryDirectory(prefix="sealbridge-") as folder:
        # Private to us, and gone at once.
        path = Path(folder, "client.pem")
        path.touch(mode=0o600)
        path.write_bytes(content)
        yield str(path)
