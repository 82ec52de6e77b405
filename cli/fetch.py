"""A certificate from a URL (http, https or file), within limits of time and size. Knows no PEM.

Imported only where a URL is given: urllib takes longer to import than sealing takes.
"""

from __future__ import annotations

import base64
import ssl
import time
from http.client import HTTPException, InvalidURL
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import unquote_to_bytes
from urllib.request import HTTPRedirectHandler, Request, build_opener

from sealbridge.errors import CertificateError, UsageError

SCHEMES = ("http", "https", "file")
_TIMEOUT = 15.0  # seconds, for connecting and for every read
_LONGEST = 60.0  # seconds for the whole answer, which a slow server could draw out for ever
_PIECE = 1 << 16  # bytes


def fetch(url: str, *, where: str, at_most: int) -> bytes:
    """The first `at_most` bytes of what is at `url`; `where` is what errors call it.

    Proxies come from the environment; a name and password in the URL are sent as basic authentication,
    as kubeseal does. Raises UsageError for another scheme, CertificateError when it cannot be had.
    """
    scheme = url.partition("://")[0].lower()
    if scheme not in SCHEMES:
        raise UsageError(
            "a certificate cannot be fetched from there", hint="give a path, or an http, https or file URL"
        )
    try:
        with build_opener(_redirects(scheme)).open(_request(url), timeout=_TIMEOUT) as answer:
            if scheme != "file" and answer.status != 200:
                raise CertificateError(f"the server answers {answer.status}", where=where)
            return _read(answer, at_most)
    except HTTPError as error:
        error.close()
        raise CertificateError(f"the server answers {error.code}", where=where) from None
    except (OSError, HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, URLError) else error
        hint = (
            "SSL_CERT_FILE can name a file with the authorities to trust"
            if isinstance(cause, ssl.SSLCertVerificationError)
            else None
        )
        raise CertificateError(
            f"cannot fetch the certificate: {_reason(cause)}", where=where, hint=hint
        ) from None


def _request(url: str) -> Request:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    credentials, at, host = authority.rpartition("@")
    request = Request(f"{scheme}://{host}{slash}{path}")  # noqa: S310 - the scheme is one of SCHEMES
    if at:
        pair = unquote_to_bytes(credentials if ":" in credentials else f"{credentials}:")
        # Not sent along to where a redirect leads.
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(pair).decode()}")
    return request


def _redirects(scheme: str) -> HTTPRedirectHandler:
    allowed = ("https://",) if scheme == "https" else ("https://", "http://")

    class Redirects(HTTPRedirectHandler):
        """Never leaves https: whoever gives the certificate can read what is sealed with it."""

        def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
            if not newurl.lower().startswith(allowed):
                raise URLError(f"it redirects to a place that is not {scheme}")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    return Redirects()


def _read(answer: IO[bytes], at_most: int) -> bytes:
    end = time.monotonic() + _LONGEST
    data = b""
    while len(data) < at_most and (piece := answer.read1(_PIECE)):  # type: ignore[attr-defined]
        data += piece
        if time.monotonic() > end:
            raise TimeoutError
    return data[:at_most]


def _reason(cause: BaseException | str) -> str:
    """In words. Texts of exceptions are shown only where they cannot hold the URL, or a proxy's."""
    if isinstance(cause, str):
        return cause
    if isinstance(cause, TimeoutError):
        return "it takes too long"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the server is not trusted: {cause.verify_message}"
    if isinstance(cause, ConnectionResetError):
        return "the server closed the connection"
    if isinstance(cause, (ValueError, InvalidURL)):
        return "the URL, or that of the proxy, is not valid"
    if isinstance(cause, OSError):
        return (cause.strerror or type(cause).__name__).lower()
    return "the answer is not HTTP"
