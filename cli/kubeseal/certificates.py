"""The certificate that kubeseal seals with: of --cert, else the controller's."""

from __future__ import annotations

from datetime import UTC, datetime

from sealbridge.errors import CertificateError, ClusterError, NoController, SealbridgeError, UsageError
from sealbridge.sealing.certificate import Certificate
from sealbridge_cli import console, sources
from sealbridge_cli.kubeseal import inputs
from sealbridge_cli.kubeseal.flags import Flags, quoted


def read(flags: Flags) -> tuple[bytes, str | None]:
    """The PEM text as it is, and where it came from. Raises SealbridgeError."""
    place = flags.text("cert")
    if not place:
        from sealbridge_cli.kubeseal import clusters

        try:
            return clusters.ask(flags, lambda controller: controller.certificate()), None
        except NoController:
            raise
        except ClusterError as error:
            error.what = f"cannot fetch certificate: {error.what}"
            raise
    if "://" not in place:
        return inputs.file(place), place
    from sealbridge_cli.fetch import fetch

    where = sources.shown(place)
    try:
        return fetch(place, where=where, at_most=sources.MAX_CERTIFICATE), where
    except (CertificateError, UsageError) as error:
        raise SealbridgeError(f"cannot fetch {quoted(where)}: {error.what}", hint=error.hint) from None


def parse(pem: bytes, where: str | None) -> Certificate:
    """The first certificate, which must not have expired; its beginning is not looked at."""
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise _none_in(pem, where)
    certificate = Certificate.from_pem(pem, where=where)
    if certificate.expired(datetime.now(UTC)):
        raise CertificateError(
            f"failed to encrypt using an expired certificate on {console.day(certificate.not_after)}",
            where=where,
            hint="get the current one from the cluster: kubeseal --fetch-cert",
        )
    return certificate


def _none_in(pem: bytes, where: str | None) -> CertificateError:
    """In kubeseal's words, with what it is instead."""
    try:
        Certificate.from_pem(pem)
    except CertificateError as error:
        found, hint = error.what, error.hint
    what = f"data does not contain any valid RSA or ECDSA certificates: {found}"
    return CertificateError(what, where=where, hint=hint)
