"""`sealbridge cert`: shows a sealing certificate."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from sealbridge_cli import console, sources


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--cert",
        metavar="PATH|URL",
        help=f"the sealing certificate (default: ${sources.CERTIFICATE_VARIABLE})",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--pem", action="store_true", help="print the certificate itself")
    form.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="the format (default: text)"
    )
    parser.epilog = (
        "examples:\n"
        "  sealbridge cert --cert cert.pem\n"
        "  sealbridge cert --cert https://sealing.example.com/v1/cert.pem --pem > cert.pem"
    )


def run(args: argparse.Namespace) -> int:
    """Show it. One that has expired is shown all the same, with a hint."""
    certificate = sources.certificate(args.cert)
    expired = certificate.expired(datetime.now(UTC))
    if args.pem:
        console.data(certificate.pem.decode("ascii"))
    elif args.output == "json":
        import json

        facts = {
            "subject": certificate.subject,
            "serial": f"{certificate.serial:x}",
            "notBefore": _time(certificate.not_before),
            "notAfter": _time(certificate.not_after),
            "expired": expired,
            "keyAlgorithm": certificate.key_algorithm,
            "keySize": certificate.key_size,
            "fingerprint": certificate.fingerprint,
        }
        console.data(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    else:
        lines = [
            ("subject", console.clean(certificate.subject) or "(empty)"),
            ("serial", f"{certificate.serial:x}"),
            ("valid from", _time(certificate.not_before)),
            ("valid until", _time(certificate.not_after) + (" (expired)" if expired else "")),
            ("key", f"{certificate.key_algorithm} {certificate.key_size} bits"),
            ("fingerprint", certificate.fingerprint),
        ]
        console.data("".join(f"{name + ':':<13}{text}\n" for name, text in lines))
    if expired:
        console.hint("the certificate has expired: nothing can be sealed with it")
    return 0


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
