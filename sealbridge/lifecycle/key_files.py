"""Sealing keys in files: PEM, key Secrets, Lists of them, directories. Knows no cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sealbridge.errors import KeyFileError, ManifestError, SealbridgeError
from sealbridge.files import write_new
from sealbridge.manifests import dump_yaml, read_documents
from sealbridge.sealing import pem
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import CERTIFICATE_ITEM, KEY_LABEL, PRIVATE_ITEM, SealingKey
from sealbridge.secret import Secret, Value

CERTIFICATE_FILE = "cert.pem"
_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".pem", ".key"})
_MAX_BYTES = 64 * 1024 * 1024


def read_keyring(paths: Iterable[str | Path]) -> Keyring:
    """The keys of files and directories (not of directories below them), each key once.

    A file that is named must hold a key; in a directory, files without one are passed over. Raises
    KeyFileError or CertificateError that name the file.
    """
    keys: list[SealingKey] = []
    for path in map(Path, paths):
        found = list(_of_directory(path) if path.is_dir() else _of_file(path))
        if not found:
            raise KeyFileError(
                "there is no sealing key in it",
                where=str(path),
                hint="a sealing key is a PEM private key, or a Secret with tls.key",
            )
        keys += found
    return Keyring(keys)


def key_secrets_in(directory: Path) -> list[tuple[Secret, Path | None]]:
    """The key Secrets of a directory, each with its file when it has that to itself.

    A bare PEM key becomes a Secret that is active and named after the key. Raises KeyFileError that names
    the file; a manifest without a key is passed over.
    """
    found: list[tuple[Secret, Path | None]] = []
    for file in _files(directory):
        data = _content(file)
        if re.search(rb"^-----BEGIN ", data, re.MULTILINE):
            found += [(_as_secret(key), None) for key in _of_pem(pem.blocks(data), str(file))]
            continue
        try:
            documents = read_documents(data, file=str(file))
            secrets = [
                Secret.from_manifest(one.obj)
                for one in documents
                if one.obj.get("kind", "Secret") == "Secret"
            ]
        except ManifestError as error:
            raise KeyFileError(error.what, where=error.where or str(file), hint=error.hint) from None
        alone = file if len(documents) == 1 and documents[0].item is None else None
        found += [(secret, alone) for secret in secrets if PRIVATE_ITEM in secret.items]
    return found


def _as_secret(key: SealingKey) -> Secret:
    items = {PRIVATE_ITEM: key.private_pem}
    if key.has_certificate:
        items[CERTIFICATE_ITEM] = Value(key.certificate.pem)
    return Secret(
        name="sealed-secrets-key" + _short(key.fingerprint), items=items, labels={KEY_LABEL: "active"}
    )


def store_key(key: SealingKey, directory: Path, *, namespace: str) -> tuple[Path, Path]:
    """Write a key Secret (0600) and its certificate into a directory without a key.

    The directory is made (0700) when it is not there. Returns both paths. Raises KeyFileError and
    leaves no file of its own when there is a key already, or when it cannot write.
    """
    key_file = directory / f"sealing-key-{_short(key.fingerprint)}.yaml"
    certificate_file = directory / CERTIFICATE_FILE
    name = "sealed-secrets-key" + _short(key.fingerprint)
    manifest = dump_yaml([key.to_secret(name=name, namespace=namespace).to_manifest()])
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_free(directory)
        write_new(str(key_file), manifest.encode(), mode=0o600)
        # The certificate comes last, so that no certificate is ever without its key, and only where
        # there is none: of several that run at the same time, one gets it.
        try:
            write_new(str(certificate_file), key.certificate.pem, mode=0o644)
        except BaseException:
            key_file.unlink()
            raise
    except FileExistsError:
        if not directory.is_dir():
            raise KeyFileError("cannot write the key: not a directory", where=str(directory)) from None
        raise _taken(certificate_file) from None
    except OSError as error:
        raise KeyFileError(
            f"cannot write the key: {(error.strerror or 'unknown error').lower()}", where=str(directory)
        ) from None
    return key_file, certificate_file


def _short(fingerprint: str) -> str:
    """Ten letters and digits of a fingerprint that are fit for the name of an object."""
    return "".join(letter for letter in fingerprint.partition(":")[2].lower() if letter.isalnum())[:10]


def check_free(directory: Path) -> None:
    """Raise KeyFileError when a sealing key is in a directory already."""
    there = directory / CERTIFICATE_FILE
    keys = sorted(directory.glob("sealing-key-*"))
    if keys or there.exists():
        raise _taken((keys or [there])[0])


def _taken(there: Path) -> KeyFileError:
    return KeyFileError(
        f"there is a sealing key already: {there.name}",
        where=str(there.parent),
        hint="choose another directory; without the old key, nothing sealed with it can be opened",
    )


def _of_directory(directory: Path) -> Iterator[SealingKey]:
    for file in _files(directory):
        yield from _of_file(file)


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.suffix in _SUFFIXES and path.is_file())
    except OSError as error:
        raise _unreadable(directory, error) from None


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_MAX_BYTES)
    except OSError as error:
        raise _unreadable(file, error) from None


def _of_file(file: Path) -> Iterator[SealingKey]:
    data = _content(file)
    # PEM begins its lines at the margin; inside a manifest it is indented.
    blocks = pem.blocks(data) if re.search(rb"^-----BEGIN ", data, re.MULTILINE) else []
    if blocks:
        yield from _of_pem(blocks, str(file))
        return
    try:
        documents = read_documents(data, file=str(file))
    except ManifestError as error:
        raise KeyFileError(error.what, where=error.where, hint=error.hint) from None
    for document in documents:
        if document.obj.get("kind", "Secret") != "Secret":
            continue
        try:
            secret = Secret.from_manifest(document.obj)
            if PRIVATE_ITEM in secret.items:
                yield SealingKey.from_secret(secret)
        except SealbridgeError as error:
            raise error.at(document.where) from None


def _of_pem(blocks: list[pem.Block], where: str) -> Iterator[SealingKey]:
    """Every private key of a file, with the certificate that is made for it when that is there too."""
    certificates = [block.text for block in blocks if block.label == "CERTIFICATE"]
    for block in blocks:
        if block.label.endswith("PRIVATE KEY"):
            bare = SealingKey.from_pem(block.text, None, where=where)
            yield _with_certificate(bare, block.text, certificates, where)


def _with_certificate(bare: SealingKey, private: bytes, certificates: list[bytes], where: str) -> SealingKey:
    for certificate in certificates:
        try:
            return SealingKey.from_pem(private, certificate, where=where)
        except SealbridgeError:
            continue
    return bare


def _unreadable(path: Path, error: OSError) -> KeyFileError:
    return KeyFileError(f"cannot read it: {(error.strerror or 'unknown error').lower()}", where=str(path))
