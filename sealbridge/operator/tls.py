"""The server's side of TLS from two files, read anew when they change. Knows no HTTP and no sealing key."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from sealbridge.errors import UsageError

log = logging.getLogger("sealbridge.http")

_Signature = tuple[tuple[int, int, int], ...]


class ServerTls:
    """`context` always serves the newest pair that could be read. Raises UsageError for the first one.

    Looked at when a client says hello: no timer, and a certificate that was renewed serves at once. A
    pair that is half-written or damaged leaves the last good one in place.
    """

    def __init__(self, certificate_file: str, key_file: str) -> None:
        self._certificate_file = certificate_file
        self._key_file = key_file
        self._signature = self._sign()
        self._newest = self.context = self._load()
        self._bad: _Signature | None = None

    def _load(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            # A passphrase is never asked for on a terminal.
            context.load_cert_chain(self._certificate_file, self._key_file, password=lambda: b"")
        except (ssl.SSLError, ValueError):
            raise self._unusable("they are no certificate and its key") from None
        except OSError as error:
            raise self._unusable((error.strerror or "a file cannot be read").lower()) from None
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = self._hello
        return context

    def _unusable(self, reason: str) -> UsageError:
        return UsageError(
            f"TLS cannot be served: {reason}",
            where=f"{self._certificate_file}, {self._key_file}",
            hint="give a certificate chain and its private key without a passphrase, both PEM",
        )

    def _hello(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current()

    def _current(self) -> ssl.SSLContext:
        signature = self._sign()
        if signature in (self._signature, self._bad):
            return self._newest
        try:
            self._newest = self._load()
        except UsageError as error:
            self._bad = signature
            log.warning("the changed TLS files are not served", extra={"error": error.what})
        else:
            self._signature, self._bad = signature, None
            log.info("the TLS files have changed and are served")
        return self._newest

    def _sign(self) -> _Signature:
        found = []
        for file in (self._certificate_file, self._key_file):
            try:
                state = Path(file).stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((state.st_mtime_ns, state.st_ino, state.st_size))
        return tuple(found)
