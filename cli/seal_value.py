"""`sealbridge seal-value`: single values sealed, for a SealedSecret that one writes oneself."""

from __future__ import annotations

import argparse

from sealbridge import kubectl_yaml
from sealbridge.errors import ManifestError, UsageError
from sealbridge.sealing import envelope
from sealbridge.sealing.scope import Scope
from sealbridge.secret import check_name, check_namespace
from sealbridge_cli import certificates, console, items, options


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = (
        "seal single values: stdin alone becomes one line of base64, items become lines `key: value` "
        "for spec.encryptedData"
    )
    certificates.add_options(parser)
    parser.add_argument("--name", metavar="NAME", help="the name of the Secret that the value is for")
    parser.add_argument("-n", "--namespace", type=options.namespace, metavar="NS", help="and its namespace")
    parser.add_argument(
        "--scope",
        choices=[scope.value for scope in Scope],
        default=Scope.STRICT.value,
        help="strict needs the name and the namespace, namespace-wide the namespace (default: strict)",
    )
    items.add_options(parser, shortcuts=False)
    parser.add_argument(
        "--trim-newline",
        action="store_true",
        help="leave out one line break at the end of each value; without it, values are sealed as they are",
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="(default: text)")
    parser.epilog = (
        "examples:\n"
        "  printf %s hunter2 | sealbridge seal-value --cert cert.pem --name db -n shop\n"
        "  sealbridge seal-value --cert cert.pem -n shop --scope namespace-wide --from-env-file .env"
    )


def run(args: argparse.Namespace) -> int:
    """Seal, and print what is sealed on stdout."""
    scope = Scope(args.scope)
    label = scope.label(*_bound_to(args, scope))
    certificate = certificates.load(args)
    if not items.given(args):
        sealed = envelope.encode(envelope.seal(_value(args, items.stdin(), "stdin"), certificate, label))
        console.data(_json(sealed) if args.output == "json" else sealed + "\n")
        return 0
    found = items.items(args)
    if not found:
        raise ManifestError("there are no items to seal")
    lines = {
        key: envelope.encode(envelope.seal(_value(args, value.reveal(), key), certificate, label))
        for key, value in found.items()
    }
    if args.output == "json":
        console.data(_json(lines))
    else:
        console.data("".join(kubectl_yaml.dump({key: text}) for key, text in lines.items()))
    return 0


def _bound_to(args: argparse.Namespace, scope: Scope) -> tuple[str, str]:
    """Namespace and name. Raises UsageError when the scope needs one that is not there."""
    if scope is not Scope.CLUSTER_WIDE and not args.namespace:
        raise UsageError(f"a {scope.value} value is bound to a namespace", hint="give one with -n")
    if scope is Scope.STRICT and not args.name:
        raise UsageError("a strict value is bound to a name", hint="give one with --name, or a wider --scope")
    try:
        if args.name:
            check_name(args.name, "--name")
        if args.namespace:
            check_namespace(args.namespace, "-n")
    except ManifestError as error:
        raise UsageError(error.what, hint=error.hint) from None
    return args.namespace or "", args.name or ""


def _value(args: argparse.Namespace, data: bytes, where: str) -> bytes:
    ends = b"\r\n" if data.endswith(b"\r\n") else b"\n" if data.endswith(b"\n") else b""
    if not ends:
        return data
    if args.trim_newline:
        return data.removesuffix(ends)
    console.hint(f"{where} ends with a line break, which is sealed with it; --trim-newline leaves it out")
    return data


def _json(value: object) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
