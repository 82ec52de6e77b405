"""Which sealing keys are still needed, and by what. Opens every item to know; keeps no value."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from sealbridge.errors import EnvelopeError, ManifestError, SealbridgeError, UnsealError
from sealbridge.lifecycle.key_home import Found
from sealbridge.manifests import read_file
from sealbridge.repo.files import manifest_files
from sealbridge.sealing import envelope
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import KIND, SealedSecret


class Use(NamedTuple):
    """Items of one SealedSecret."""

    where: str
    namespace: str
    name: str
    items: tuple[str, ...]

    @property
    def object(self) -> str:
        """For people."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Need(NamedTuple):
    """What opens with which key; `closed` opens with none, `unread` could not be looked at."""

    by_key: dict[str, tuple[Use, ...]]
    closed: tuple[Use, ...]
    unread: tuple[SealbridgeError, ...]
    hinted: dict[str, tuple[Use, ...]]  # the closed ones, by the key that they say sealed them

    def of(self, fingerprint: str) -> tuple[Use, ...]:
        """What needs a key."""
        return self.by_key.get(fingerprint, ())


def needed(
    found: Sequence[Found],
    keyring: Keyring,
    unread: Iterable[SealbridgeError] = (),
    *,
    any_scope: bool = True,
) -> Need:
    """Try every item of every SealedSecret with every key, those hinted at first.

    `any_scope`: an object whose scope was changed by hand does not open, and needs its key nonetheless.
    """
    problems = list(unread)
    by_key: dict[str, list[Use]] = {}
    closed: list[Use] = []
    hinted: dict[str, list[Use]] = {}

    def work(one: Found) -> tuple[SealedSecret, dict[str | None, list[str]]] | SealbridgeError:
        try:
            sealed = SealedSecret.from_manifest(one.obj, accept_whole=True)
        except SealbridgeError as error:
            return error.at(one.where)
        return sealed, _openers(sealed, keyring, any_scope=any_scope)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for one, outcome in zip(found, pool.map(work, found), strict=True):
            if isinstance(outcome, SealbridgeError):
                problems.append(outcome)
                continue
            sealed, openers = outcome
            for fingerprint, items in openers.items():
                use = Use(one.where, sealed.namespace, sealed.name, tuple(items))
                if fingerprint is not None:
                    by_key.setdefault(fingerprint, []).append(use)
                    continue
                closed.append(use)
                if sealed.hint:
                    hinted.setdefault(sealed.hint, []).append(use)
    return Need(
        {key: tuple(uses) for key, uses in by_key.items()},
        tuple(closed),
        tuple(problems),
        {key: tuple(uses) for key, uses in hinted.items()},
    )


def sealed_below(folders: Iterable[str]) -> tuple[list[Found], list[SealbridgeError]]:
    """The SealedSecrets of working trees, and the files that may hold some and cannot be read."""
    found: list[Found] = []
    problems: list[SealbridgeError] = []
    for path in manifest_files(folders, recursive=True).files:
        try:
            documents = read_file(path)
        except ManifestError as error:
            if _may_be_sealed(path):
                problems.append(error)
            continue
        found += [Found(one.where, one.obj) for one in documents if one.obj.get("kind") == KIND]
    return found, problems


def _openers(sealed: SealedSecret, keyring: Keyring, *, any_scope: bool) -> dict[str | None, list[str]]:
    """The items by the key that opens them, None for those that no key opens."""
    openers: dict[str | None, list[str]] = {}
    last: str | None = None
    labels = dict.fromkeys(
        [sealed.label] + [scope.label(sealed.namespace, sealed.name) for scope in Scope if any_scope]
    )
    texts = dict(sealed.encrypted_data)
    if sealed.whole is not None:
        texts["spec.data"] = sealed.whole
    for item, text in texts.items():
        opener = None
        for label in labels:
            try:
                opener = keyring.open(envelope.decode(text), label, (sealed.hint, last)).key
                break
            except UnsealError:
                continue
            except EnvelopeError:
                break
        last = opener or last
        openers.setdefault(opener, []).append(item)
    return openers


def _may_be_sealed(path: str) -> bool:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - a path as it was walked
            return KIND.encode() in stream.read()
    except OSError:
        return True
