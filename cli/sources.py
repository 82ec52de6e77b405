"""Where commands take documents and certificates from: files, stdin, URLs. Knows no Secret."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from sealbridge.errors import CertificateError, UsageError
from sealbridge.manifests import Document, read_file, read_stream
from sealbridge.sealing.certificate import Certificate
from sealbridge_cli import console

STDIN = "-"
CERTIFICATE_VARIABLE = "SEALBRIDGE_CERT"
_TIMEOUT = 15.0  # seconds, for connecting and for every read
_MAX_CERTIFICATE = 1 << 20  # bytes


def documents(files: Sequence[str]) -> list[Document]:
    """The documents of the files named, or of stdin when none is. Raises ManifestError."""
    found: list[Document] = []
    for file in files or [STDIN]:
        found.extend(_stdin() if file == STDIN else read_file(file))
    return found


def certificate(place: str | None) -> Certificate:
    """The certificate at a path or URL, else at that of SEALBRIDGE_CERT.

    Raises UsageError when neither is given, CertificateError when it cannot be had or used.
    """
    place = place or os.environ.get(CERTIFICATE_VARIABLE)
    if not place:
        raise UsageError(
            "no sealing certificate is given",
            hint=f"name one with --cert PATH or URL, or in {CERTIFICATE_VARIABLE}; "
            "`sealbridge keys init --dir DIR` makes one to try",
        )
    data = _fetched(place) if "://" in place else _read(place)
    return Certificate.from_pem(data, where=_shown(place))


def _stdin() -> list[Document]:
    if sys.stdin is None:
        raise UsageError("there is no stdin to read from", hint="name a file with -f")
    if sys.stdin.isatty():
        console.hint("reading manifests from the terminal: end with Ctrl-D, or name files with -f")
    return read_stream(sys.stdin.buffer, file="stdin")


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - see sealbridge.files
            return stream.read(_MAX_CERTIFICATE)
    except OSError as error:
        raise CertificateError(
            f"cannot read the certificate: {(error.strerror or 'unknown error').lower()}", where=path
        ) from None


def _fetched(url: str) -> bytes:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    scheme = url.partition("://")[0].lower()
    if scheme not in ("http", "https", "file"):
        raise UsageError(
            f"a certificate cannot be fetched by {scheme}", hint="give a path, or an http, https or file URL"
        )

    allowed = ("https://",) if scheme == "https" else ("https://", "http://")

    class Redirects(HTTPRedirectHandler):
        """Never leaves https: whoever gives the certificate can read what is sealed with it."""

        def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
            if not newurl.lower().startswith(allowed):
                raise URLError("it redirects to a place that is not https")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    where = _shown(url)
    try:
        # The scheme is checked above; proxies come from the environment.
        with build_opener(Redirects()).open(Request(url), timeout=_TIMEOUT) as answer:  # noqa: S310
            if scheme != "file" and answer.status != 200:
                raise CertificateError(f"the server answers {answer.status}", where=where)
            return bytes(answer.read(_MAX_CERTIFICATE))
    except HTTPError as error:
        error.close()
        raise CertificateError(f"the server answers {error.code}", where=where) from None
    except URLError as error:
        reason = error.reason
        text = reason.strerror or str(reason) if isinstance(reason, OSError) else str(reason)
        raise CertificateError(f"cannot fetch the certificate: {text.lower()}", where=where) from None
    except (OSError, HTTPException, ValueError) as error:
        what = "it takes too long" if isinstance(error, TimeoutError) else type(error).__name__
        raise CertificateError(f"cannot fetch the certificate: {what}", where=where) from None


def _shown(place: str) -> str:
    """A URL without the name and password that may stand in it."""
    scheme, separator, rest = place.partition("://")
    if not separator:
        return place
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
