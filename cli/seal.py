"""`sealbridge seal`: Secrets in, SealedSecrets out. Everything it imports counts: see benchmarks/."""

from __future__ import annotations

import argparse

from sealbridge.errors import ManifestError, SealbridgeError, UsageError
from sealbridge.sealing.choosing import Chosen, Wishes, as_wished, choose
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import check_sealable, seal
from sealbridge_cli import certificates, console, items, options, output, sources, vouching


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    sources.add_files(parser, "Secrets")
    sources.add_recursion(parser)
    certificates.add_options(parser)
    parser.add_argument(
        "--scope",
        choices=[scope.value for scope in Scope],
        help="where the values may be unsealed (default: by the Secret's annotations, else strict: "
        "only under the same name and namespace)",
    )
    parser.add_argument(
        "-n",
        "--namespace",
        type=options.namespace,
        metavar="NS",
        help="the namespace, for a Secret that does not name its own",
    )
    parser.add_argument("--name", help="the name, instead of the Secret's own")
    output.add_options(parser)
    parser.add_argument(
        "-i",
        "--in-place",
        action="store_true",
        help="seal the Secrets where they stand in their files; all else in them stays as it is",
    )
    vouching.add_options(parser)
    items.add_options(parser)
    parser.epilog = (
        "examples:\n"
        "  sealbridge seal --cert cert.pem -f secret.yaml -w sealed.yaml\n"
        "  sealbridge seal --cert cert.pem -r -f environments --in-place\n"
        "  sealbridge seal --cert cert.pem --name db -n shop --from-file password.txt > sealed.yaml\n"
        "  kubectl create secret generic db --from-literal=password=... --dry-run=client -o yaml |\n"
        "    sealbridge seal --cert https://sealing.example.com/v1/cert.pem -n shop > sealed.yaml"
    )


def run(args: argparse.Namespace) -> int:
    """Seal every document, or write nothing and say what is wrong with each."""
    _check_usage(args)
    certificate = certificates.load(args)
    wishes = Wishes(Scope(args.scope) if args.scope else None, args.name or "", args.namespace or "")
    if args.in_place:
        from sealbridge_cli import seal_in_place

        return seal_in_place.run(args, certificate, wishes)
    chosen = _new(args, wishes) if items.given(args) else _read(args, wishes)
    if chosen is None:
        return 1
    if args.write in (None, "-", "/dev/stdout"):
        sealed = [seal(one.secret, certificate, one.scope) for one in chosen]
        output.write([one.to_manifest() for one in sealed], args)
        return 0
    from sealbridge_cli import seal_to_file

    return seal_to_file.run(args, certificate, chosen)


def _check_usage(args: argparse.Namespace) -> None:
    if items.given(args):
        if args.file or args.in_place:
            raise UsageError("items are given and files as well", hint="seal them one after the other")
        if not args.name:
            raise UsageError("a new Secret needs a name", hint="give one with --name")
    elif args.type or args.label or args.annotation:
        raise UsageError(
            "--type, --label and --annotation are for a new Secret",
            hint="a manifest has its own; give items with --from-literal, --from-file or the like",
        )
    if args.in_place:
        if args.write or args.output or args.name:
            raise UsageError("--in-place goes without -w, -o and --name", hint="leave them out")
        if not args.file or sources.STDIN in args.file:
            raise UsageError("--in-place needs files", hint="name them with -f")


def _new(args: argparse.Namespace, wishes: Wishes) -> list[Chosen] | None:
    made = items.secret(args, name=args.name, namespace=args.namespace or "")
    return [_checked(as_wished(made, wishes))]


def _read(args: argparse.Namespace, wishes: Wishes) -> list[Chosen] | None:
    """What is to be sealed; None when something cannot be, which has been said."""
    documents = sources.documents(sources.files(args))
    if not documents:
        raise ManifestError("there is no Secret in it", where=", ".join(args.file) or "stdin")
    if wishes.name and len(documents) > 1:
        raise ManifestError(
            f"--name names one Secret, and there are {len(documents)}", hint="seal them one by one"
        )
    chosen: list[Chosen] = []
    failed = 0
    for document in documents:
        try:
            chosen.append(_checked(choose(document.obj, wishes)))
        except SealbridgeError as error:
            failed += 1
            console.error(error.at(document.where))
    if failed:
        if len(documents) > 1:
            console.note("nothing was written")
        return None
    return chosen


def _checked(chosen: Chosen) -> Chosen:
    """What `seal` would refuse is refused before anything is sealed."""
    check_sealable(chosen.secret, chosen.scope)
    return chosen
