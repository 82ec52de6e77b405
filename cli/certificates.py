"""The certificate that commands seal with: where it comes from, and whether it is still good."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime, timedelta

from sealbridge.errors import CertificateError, UsageError
from sealbridge.sealing.certificate import Certificate
from sealbridge_cli import console, options, server, sources

RENEWAL_VARIABLE = "SEALBRIDGE_RENEW_PERIOD"
RENEW_PERIOD = timedelta(days=30)  # of the controller, unless it is told otherwise


def add_options(parser: argparse.ArgumentParser, *, fetched: bool = True) -> None:
    """Declare --cert, what there is to say about its age, and --server where it fetches one."""
    parser.add_argument(
        "--cert",
        metavar="PATH|URL",
        help=f"the sealing certificate (default: ${sources.CERTIFICATE_VARIABLE})",
    )
    parser.add_argument(
        "--allow-expired", action="store_true", help="seal with a certificate that has expired, too"
    )
    parser.add_argument(
        "--renew-period",
        type=options.period,
        metavar="TIME",
        help="warn when the certificate is older; 0 never warns "
        f"(default: ${RENEWAL_VARIABLE}, else 30d, as controllers renew their keys)",
    )
    if fetched:
        server.add_options(parser, "take the certificate from the controller of the cluster")


def load(args: argparse.Namespace) -> Certificate:
    """The certificate that options name, with warnings about its age.

    Raises UsageError when none is named, CertificateError when it cannot be had or has expired.
    """
    server.check_usage(args)
    certificate = from_server(args) if args.server else sources.certificate(args.cert)
    check(certificate, args)
    return certificate


def from_server(args: argparse.Namespace) -> Certificate:
    """The current certificate of the controller."""
    if args.cert:
        raise UsageError("--cert and --server both give the certificate", hint="leave one out")
    pem = server.ask(lambda controller: controller.certificate(), args)
    return Certificate.from_pem(pem, where="the controller's certificate")


def check(certificate: Certificate, args: argparse.Namespace) -> None:
    """Refuse an expired certificate, unless that is allowed, and warn of an old one."""
    now = datetime.now(UTC)
    if certificate.expired(now):
        expiry = f"the certificate expired on {console.day(certificate.not_after)}"
        if not args.allow_expired:
            raise CertificateError(
                expiry, hint="get the current one from the cluster, or insist with --allow-expired"
            )
        console.warning(expiry)
        return
    if now < certificate.not_before:
        console.warning(f"the certificate is not valid before {console.day(certificate.not_before)}")
        return
    period = _renew_period(args)
    age = now - certificate.not_before
    if period and age > period:
        console.warning(
            f"the certificate is {age.days} days old, and keys are renewed every {_in_words(period)}: "
            "the cluster may have a newer one"
        )


def _renew_period(args: argparse.Namespace) -> timedelta:
    if args.renew_period is not None:
        period: timedelta = args.renew_period
        return period
    text = os.environ.get(RENEWAL_VARIABLE)
    if not text:
        return RENEW_PERIOD
    try:
        return options.period(text)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{RENEWAL_VARIABLE}: {error}", hint="30d, 720h or 0, for example") from None


def _in_words(period: timedelta) -> str:
    hours = int(period.total_seconds() // 3600)
    return f"{period.days} days" if period.days and not period.seconds else f"{hours} hours"
