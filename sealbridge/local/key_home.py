"""Sealing keys in a directory of key manifests, as `keys init --dir` makes it. Opens nothing.

A file is published whole or not at all: written beside its place and linked there, so that a reader or a
kill never meets half a key, and of several that write the same name one wins.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sealbridge.errors import Conflict, KeyFileError, SealbridgeError
from sealbridge.files import replace_entry, write_new
from sealbridge.lifecycle.creation import Place
from sealbridge.lifecycle.key_files import CERTIFICATE_FILE, key_secrets_in
from sealbridge.lifecycle.key_home import Found, State
from sealbridge.lifecycle.policy import KEY_PREFIX
from sealbridge.manifests import dump_yaml
from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.secret import Secret

_CLUSTER_ID = "directory"
_NAMESPACE = "kube-system"


class DirectoryKeyHome:
    """Implements `lifecycle.key_home.KeyHome`. `make`: the directory may have to be made.

    `namespace` is what the keys are for where no key says it.
    """

    def __init__(self, directory: Path, *, make: bool = False, namespace: str = "") -> None:
        self._directory = directory
        self._namespace = namespace or _NAMESPACE
        self.where = str(directory)
        if not directory.is_dir() and (directory.exists() or not make):
            raise KeyFileError(
                "there is no such directory of sealing keys",
                where=self.where,
                hint="sealbridge keys init --dir DIR makes one",
            )

    async def place(self) -> Place:
        """No cluster, and the namespace that the newest key is for."""
        namespaces = [secret.namespace for secret, _ in self._read() if secret.namespace]
        return Place(_CLUSTER_ID, namespaces[-1] if namespaces else self._namespace)

    async def all_secrets(self) -> Sequence[Secret]:
        """Every key of the directory."""
        return [secret for secret, _ in self._read()]

    async def list_secrets(self, namespace: str, *, labels: Mapping[str, str]) -> Sequence[Secret]:
        """Those with these labels; a directory's keys are all of one cluster, whatever namespace they say."""
        return [one for one, _ in self._read() if labels.items() <= one.labels.items()]

    async def get_secret(self, namespace: str, name: str) -> Secret | None:
        """The key Secret of a name."""
        return next((one for one, _ in self._read() if one.name == name), None)

    async def create_secret(self, secret: Secret) -> Secret:
        """Publish a key under its name, readable for the owner alone. Raises Conflict."""
        if await self.get_secret(secret.namespace, secret.name) is not None:
            raise Conflict(f"Secret {secret.name} is there already", where=self.where)
        name = secret.name.removeprefix(KEY_PREFIX).lstrip("-") or secret.name
        path = self._directory / f"sealing-key-{name}.yaml"
        temporary = self._directory / f"{path.name}.{os.urandom(8).hex()}.tmp"
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_new(str(temporary), _text(secret), mode=0o600)
            try:
                os.link(temporary, path)
            finally:
                temporary.unlink()
            _sync(self._directory)
        except FileExistsError:
            raise Conflict(f"{path.name} is there already", where=self.where) from None
        except OSError as error:
            raise self._unwritable(error) from None
        return secret

    async def mark(
        self, secret: Secret, *, state: State | None = None, annotations: Mapping[str, str] | None = None
    ) -> None:
        """Rewrite the file of a key. Raises Conflict when it is gone or another, KeyFileError for PEM."""
        try:
            with _alone(self._directory):
                self._rewrite(secret, state, annotations or {})
        except OSError as error:
            raise self._unwritable(error) from None

    def _rewrite(self, secret: Secret, state: State | None, annotations: Mapping[str, str]) -> None:
        same = [(one, at) for one, at in self._read() if (one.name, one.items) == (secret.name, secret.items)]
        # What is said of a key's state is said of the state that was seen.
        if not same or (state is not None and same[0][0].labels != secret.labels):
            raise Conflict(f"the key {secret.name} has changed meanwhile", where=self.where)
        there, path = same[0]
        if path is None:
            raise KeyFileError(
                f"the key {secret.name} is not in a manifest of its own, and its state cannot be noted there",
                where=self.where,
                hint="put every key into a key Secret in a file of its own",
            )
        labels = dict(there.labels) | ({KEY_LABEL: state.value} if state else {})
        made = replace(there, labels=labels, annotations={**there.annotations, **annotations})
        if made != there:
            replace_entry(str(path), _text(made), mode=0o600)
            _sync(self._directory)

    async def sealed(self) -> Sequence[Found]:
        """None: a directory of keys holds nothing else."""
        return []

    async def settle(self, current: SealingKey) -> None:
        """cert.pem is the current certificate."""
        path = self._directory / CERTIFICATE_FILE
        try:
            if path.exists() and path.read_bytes() == current.certificate.pem:
                return
            replace_entry(str(path), current.certificate.pem, mode=0o644)
        except OSError as error:
            raise self._unwritable(error) from None

    def _read(self) -> list[tuple[Secret, Path | None]]:
        return key_secrets_in(self._directory) if self._directory.is_dir() else []

    def _unwritable(self, error: OSError) -> SealbridgeError:
        return KeyFileError(
            f"cannot write the key: {(error.strerror or 'unknown error').lower()}", where=self.where
        )


def _text(secret: Secret) -> bytes:
    return dump_yaml([secret.to_manifest()]).encode()


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One process at a time changes the keys that are there; a kill lets go."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync(directory: Path) -> None:
    """A name is durable once its directory is."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
