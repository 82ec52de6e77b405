"""`sealbridge seal`: Secrets in, SealedSecrets out. Everything it imports counts: see benchmarks/."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from sealbridge.errors import CertificateError, ManifestError, SealbridgeError
from sealbridge.manifests import Document
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import KIND, SealedSecret, seal
from sealbridge.secret import Secret
from sealbridge_cli import console, options, output, sources

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_LONGEST_KIND = 100  # letters


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    sources.add_files(parser, "Secrets")
    parser.add_argument(
        "--cert",
        metavar="PATH|URL",
        help=f"the sealing certificate (default: ${sources.CERTIFICATE_VARIABLE})",
    )
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
    parser.epilog = (
        "examples:\n"
        "  sealbridge seal --cert cert.pem -f secret.yaml -w sealed.yaml\n"
        "  kubectl create secret generic db --from-literal=password=... --dry-run=client -o yaml |\n"
        "    sealbridge seal --cert https://sealing.example.com/v1/cert.pem -n shop > sealed.yaml"
    )


def run(args: argparse.Namespace) -> int:
    """Seal every document, or write nothing and say what is wrong with each."""
    certificate = sources.certificate(args.cert)
    _check_expiry(certificate)
    documents = sources.documents(args.file)
    if not documents:
        raise ManifestError("there is no Secret in it", where=", ".join(args.file) or "stdin")
    if args.name and len(documents) > 1:
        raise ManifestError(
            f"--name names one Secret, and there are {len(documents)}", hint="seal them one by one"
        )
    scope = Scope(args.scope) if args.scope else None
    sealed: list[SealedSecret] = []
    failed = False
    for document in documents:
        try:
            sealed.append(_sealed(document, certificate, scope, args.name, args.namespace))
        except SealbridgeError as error:
            failed = True
            console.error(error.at(document.where))
    if failed:
        if len(documents) > 1:
            console.note("nothing was written")
        return 1
    output.write([one.to_manifest() for one in sealed], args)
    return 0


def _sealed(
    document: Document, certificate: Certificate, scope: Scope | None, name: str | None, namespace: str | None
) -> SealedSecret:
    kind, api_version = document.obj.get("kind"), document.obj.get("apiVersion")
    if kind == KIND:
        raise ManifestError(
            "this is a SealedSecret already", hint="seal the Secret that it was made from, or leave it out"
        )
    if kind != "Secret" or api_version != "v1":
        raise ManifestError(
            f"only a Secret of v1 can be sealed, this is {_described(kind, api_version)}", hint="leave it out"
        )
    secret = Secret.from_manifest(document.obj)
    chosen = scope or Scope.of(secret.annotations)
    if namespace and secret.namespace and namespace != secret.namespace and chosen is not Scope.CLUSTER_WIDE:
        raise ManifestError(
            f"the Secret is for the namespace {secret.namespace}, and -n says {namespace}",
            hint="leave -n out, or correct one of them",
        )
    secret = secret.renamed(name or secret.name, secret.namespace or namespace or "")
    return seal(secret, certificate, chosen)


def _described(kind: object, api_version: object) -> str:
    """What an object says that it is. Where that is anything but short text, it may be a value."""
    if not kind:
        return "an object without a kind"
    for text in (kind, api_version or ""):
        if not isinstance(text, str) or len(text) > _LONGEST_KIND:
            return "something else"
    return f"{kind} of {api_version}" if api_version else f"{kind} without an apiVersion"


def _check_expiry(certificate: Certificate) -> None:
    if certificate.expired(datetime.now(UTC)):
        end = certificate.not_after
        raise CertificateError(
            f"the certificate expired on {_MONTHS[end.month - 1]} {end.day}, {end.year}",
            hint="get the current one from the cluster",
        )
