"""`sealbridge cert`: shows a sealing certificate."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime

from sealbridge.errors import UsageError
from sealbridge.sealing.certificate import Certificate
from sealbridge_cli import certificates, console, server, sources


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--cert",
        metavar="PATH|URL",
        help=f"the sealing certificate (default: ${sources.CERTIFICATE_VARIABLE})",
    )
    server.add_options(parser, "show that of the controller of the cluster")
    parser.add_argument(
        "--all", action="store_true", help="every certificate of the file, not only the first"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--pem", action="store_true", help="print the certificate itself")
    form.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="the format (default: text)"
    )
    parser.epilog = (
        "examples:\n"
        "  sealbridge cert --cert cert.pem\n"
        "  sealbridge cert --server --pem > cert.pem\n"
        "  sealbridge cert --cert https://sealing.example.com/v1/cert.pem --pem > cert.pem"
    )


def run(args: argparse.Namespace) -> int:
    """Show them. One that has expired is shown all the same, with a hint."""
    server.check_usage(args)
    if args.server and args.all:
        raise UsageError("the controller gives its current certificate only", hint="leave --all out")
    place = args.cert or os.environ.get(sources.CERTIFICATE_VARIABLE)
    if args.server:
        shown = [certificates.from_server(args)]
    else:
        shown = sources.certificates(place) if args.all and place else [sources.certificate(args.cert)]
    now = datetime.now(UTC)
    if args.pem:
        console.data("".join(certificate.pem.decode("ascii") for certificate in shown))
    elif args.output == "json":
        import json

        facts = [_facts(certificate, now) for certificate in shown]
        console.data(json.dumps(facts if args.all else facts[0], indent=2, ensure_ascii=False) + "\n")
    else:
        console.data("\n".join(_text(certificate, now) for certificate in shown))
    if all(certificate.expired(now) for certificate in shown):
        console.hint("the certificate has expired: nothing can be sealed with it")
    return 0


def _facts(certificate: Certificate, now: datetime) -> dict[str, object]:
    return {
        "subject": certificate.subject,
        "serial": f"{certificate.serial:x}",
        "notBefore": _time(certificate.not_before),
        "notAfter": _time(certificate.not_after),
        "expired": certificate.expired(now),
        "keyAlgorithm": certificate.key_algorithm,
        "keySize": certificate.key_size,
        "fingerprint": certificate.fingerprint,
    }


def _text(certificate: Certificate, now: datetime) -> str:
    expired = " (expired)" if certificate.expired(now) else ""
    lines = [
        ("subject", console.clean(certificate.subject) or "(empty)"),
        ("serial", f"{certificate.serial:x}"),
        ("valid from", _time(certificate.not_before)),
        ("valid until", _time(certificate.not_after) + expired),
        ("key", f"{certificate.key_algorithm} {certificate.key_size} bits"),
        ("fingerprint", certificate.fingerprint),
    ]
    return "".join(f"{name + ':':<13}{text}\n" for name, text in lines)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
