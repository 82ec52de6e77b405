"""What requests ask of the sealing keys: verify, rotate, and the list of keys. Knows no HTTP.

Everything here opens and never renders: the template of a SealedSecret is authenticated by nobody, so
whoever renders one for a stranger hands out the values. The scope comes from the outer metadata alone.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

from sealbridge.errors import ManifestError, SealbridgeError, UnsealError
from sealbridge.manifests import Document, read_documents
from sealbridge.reconcile.sealing_keys import KeyringSource
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import Reason, open_items
from sealbridge.sealing.resealing import reseal
from sealbridge.sealing.sealed_secret import SealedSecret
from sealbridge.sealing.whole import open_whole

_T = TypeVar("_T")
# The request, the keys to open with, and the keyring that knows which of them is current.
_Work = Callable[[bytes, Keyring, Keyring], _T]

# Bytes that may end a node of YAML or JSON, line breaks of Unicode among them. Parsing costs time by the
# node, not by the byte, and shares the interpreter with reconciling: three megabytes of commas are ten
# seconds, three megabytes of sealed items are nothing.
_SEPARATORS = b"\n\r,:[{\x85\xa8\xa9"
_MOST_SEPARATORS = 100_000
_NAMED_AT_MOST = 10
_LONGEST_NAME = 80


class TooMuchError(SealbridgeError):
    """A request would take more time than it may."""


class _Budget:
    """The time that one request may spend with private keys; looked at before each use of one."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._given_up = False

    def give_up(self) -> None:
        """Nobody waits for the answer any more."""
        self._given_up = True

    def spend(self) -> None:
        if self._given_up or time.monotonic() > self._end:
            raise TooMuchError("it takes too long to open all of its items")


class KeyRequests:
    """Answers from the keyring of the moment.

    Work is done on `executor`, which is not the reconcilers': however many ask, unsealing goes first.
    A request may use private keys for `seconds`; `tried` is called before every use of one. With
    `accept_whole` the deprecated `spec.data` is verified, too. It is never rotated: its labels and
    annotations are sealed as well, and the modern form would tell them to whoever asks.
    """

    def __init__(
        self,
        keys: KeyringSource,
        executor: Executor,
        *,
        seconds: float,
        tried: Callable[[], None],
        accept_whole: bool = True,
    ) -> None:
        self._keys = keys
        self._accept_whole = accept_whole
        self._executor = executor
        self._seconds = seconds
        self._tried = tried

    async def certificate(self) -> bytes:
        """The current certificate as PEM. Raises SealbridgeError when there is none."""
        return (await self._keys.keyring()).current.certificate.pem

    async def listing(self) -> bytes:
        """All keys as JSON, the current one first; of each its public half only. Raises ClusterError."""
        keyring = await self._keys.keyring()
        try:
            current = keyring.current.fingerprint
        except SealbridgeError:
            current = ""
        keys = []
        for key in keyring:
            certificate = key.certificate if key.has_certificate else None
            keys.append(
                {
                    "fingerprint": key.fingerprint,
                    "current": key.fingerprint == current,
                    "bits": key.private_key.key_size,
                    "notBefore": f"{certificate.not_before:%Y-%m-%dT%H:%M:%SZ}" if certificate else None,
                    "notAfter": f"{certificate.not_after:%Y-%m-%dT%H:%M:%SZ}" if certificate else None,
                    "certificate": certificate.pem.decode() if certificate else None,
                }
            )
        keys.sort(key=lambda one: (one["current"], one["notBefore"] or ""), reverse=True)
        return _json({"keys": keys})

    async def verify(self, body: bytes) -> None:
        """Whether every item opens. Raises ManifestError, UnsealError, ClusterError or TooMuchError."""
        await self._with_keys(_verify_whole if self._accept_whole else _verify, body)

    async def rotate(self, body: bytes) -> bytes:
        """The object with every item sealed anew for the current certificate, as JSON. Raises as above,
        and CertificateError or KeyFileError when there is nothing to seal with.
        """
        return await self._with_keys(_rotate, body)

    async def _with_keys(self, work: _Work[_T], body: bytes) -> _T:
        keyring = await self._keys.keyring()
        try:
            return await self._in_thread(work, body, keyring)
        except UnsealError:
            # Perhaps its key has come since the last look.
            fresh = await self._keys.keyring(fresh=True)
            if set(fresh.fingerprints) == set(keyring.fingerprints):
                raise
            return await self._in_thread(work, body, fresh)

    async def _in_thread(self, work: _Work[_T], body: bytes, keyring: Keyring) -> _T:
        budget = _Budget(self._seconds)

        def tried() -> None:
            budget.spend()
            self._tried()

        bounded = keyring.counted(tried)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._executor, work, body, bounded, keyring
            )
        finally:
            budget.give_up()


def explanation(error: UnsealError) -> str:
    """One line that names the items that do not open, and of each whether it is damaged.

    An item is either Corrupt (a key fits, the value was changed) or not opened by any key. That tells a
    stranger nothing that the status code does not: he can ask about each item by itself, and about
    every scope by asking again. Why a key does not fit is one answer, because RSA-OAEP may not tell.
    """
    words = []
    for item, reason in sorted(error.items.items())[:_NAMED_AT_MOST]:
        word = reason if reason == Reason.CORRUPT.value else Reason.WRONG_KEY.value
        words.append(f"{json.dumps(item[:_LONGEST_NAME])} {word}")
    more = len(error.items) - len(words)
    if more > 0:
        words.append(f"{more} more")
    return f"cannot be opened: {', '.join(words)}" if words else "cannot be opened"


def _verify(body: bytes, keyring: Keyring, _: Keyring) -> None:
    open_items(SealedSecret.from_manifest(_one(body).obj), keyring)


def _verify_whole(body: bytes, keyring: Keyring, _: Keyring) -> None:
    sealed = SealedSecret.from_manifest(_one(body).obj, accept_whole=True)
    if sealed.whole is None:
        open_items(sealed, keyring)
    else:
        open_whole(sealed, keyring)


def _rotate(body: bytes, keyring: Keyring, given: Keyring) -> bytes:
    return _json(reseal(_one(body).obj, keyring, given.current.certificate, every=True).manifest)


def _one(body: bytes) -> Document:
    if len(body) - len(body.translate(None, _SEPARATORS)) > _MOST_SEPARATORS:
        raise ManifestError("the request has more parts than any SealedSecret")
    documents = read_documents(body, file="the request")
    if len(documents) != 1 or documents[0].item is not None:
        raise ManifestError(f"the request must hold one SealedSecret, it holds {len(documents)} objects")
    return documents[0]


def _json(obj: Any) -> bytes:
    return json.dumps(obj, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
