"""`sealbridge template`: tries templates out, without a cluster or a store."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from sealbridge.errors import ManifestError, SealbridgeError, UsageError
from sealbridge_cli import console, options

_STDIN = "-"
_LARGEST = 4 << 20  # bytes of a file; a template itself may be of less


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    subcommands = parser.add_subparsers(dest="subcommand", metavar="COMMAND", title="commands")
    render = subcommands.add_parser(
        "render",
        help="render a template over values",
        description="render a Go template, as in template.data of a SealedSecret or ExternalSecret",
        epilog=(
            "examples:\n"
            "  sealbridge template render -f config.tmpl --values values.yaml\n"
            "  sealbridge template render -f config.tmpl --values secret.yaml --missing error\n"
            "  kubectl get secret database -o yaml | sealbridge template render -f config.tmpl --values -\n"
            "  echo '{{ .user | upper }}' | sealbridge template render -f - --values values.yaml"
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    render.add_argument(
        "-f", "--file", required=True, type=options.file, metavar="FILE", help="the template; - is stdin"
    )
    render.add_argument(
        "--values",
        type=options.file,
        metavar="FILE",
        help="what the template is rendered over, YAML or JSON: a map, or a Secret, whose items are taken"
        " as a template of a SealedSecret or ExternalSecret gets them; - is stdin (default: an empty map)",
    )
    render.add_argument(
        "--missing",
        choices=("zero", "error"),
        default="zero",
        help="a key that is not there prints as <no value>, as in SealedSecrets (zero, the default),"
        " or is an error, as in ExternalSecrets",
    )
    render.add_argument(
        "--delimiters",
        nargs=2,
        default=("{{", "}}"),
        metavar=("LEFT", "RIGHT"),
        help="what stands around actions (default: {{ }})",
    )
    render.add_argument(
        "-w",
        "--write",
        type=options.file,
        metavar="FILE",
        help="write here (mode 0600) instead of to stdout, and only when all went well",
    )
    parser.epilog = "example:\n  sealbridge template render -f config.tmpl --values values.yaml"


def run(args: argparse.Namespace) -> int:
    """Run the subcommand."""
    if args.subcommand is None:
        raise UsageError("template needs a command", hint="sealbridge template render -f FILE")
    return _render(args)


def _render(args: argparse.Namespace) -> int:
    from sealbridge.templates import Template

    if args.file == args.values == _STDIN:
        raise UsageError(
            "the template and its values cannot both come from stdin",
            hint="write one of them to a file, and name that",
        )
    name = "stdin" if args.file == _STDIN else args.file
    template = Template(
        _source(args.file), name=name, missing=args.missing, delimiters=tuple(args.delimiters)
    )
    values: Any = _values(args.values) if args.values else {}
    output = template.render(values).encode("utf-8", "surrogateescape")
    if args.write in (None, "-", "/dev/stdout"):
        console.binary(output)
        return 0
    from sealbridge.files import write_atomic

    try:
        write_atomic(args.write, output, mode=0o600)
    except OSError as error:
        raise SealbridgeError(
            f"cannot write it: {(error.strerror or 'unknown error').lower()}", where=args.write
        ) from None
    return 0


def _source(file: str) -> str:
    try:
        if file == _STDIN:
            if sys.stdin is None:
                raise UsageError("there is no stdin to read from", hint="name a file with -f")
            data = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with open(file, "rb") as stream:  # noqa: PTH123 - see sealbridge.files
                data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise SealbridgeError(
            f"cannot read the template: {(error.strerror or 'unknown error').lower()}", where=file
        ) from None
    if len(data) > _LARGEST:
        raise SealbridgeError(f"the template is larger than {_LARGEST >> 20} MiB", where=file)
    return data.decode("utf-8", "surrogateescape")


def _values(file: str) -> Any:
    from sealbridge.templates import string_map
    from sealbridge_cli.sources import documents

    found = documents([file])
    if len(found) > 1:
        raise ManifestError(
            f"it holds {len(found)} documents, where one map is expected",
            where="stdin" if file == _STDIN else file,
            hint="keep one of them",
        )
    if not found:
        return {}
    document = found[0]
    if document.obj.get("kind") == "Secret" and document.obj.get("apiVersion") == "v1":
        from sealbridge.secret import Secret

        try:
            items = Secret.from_manifest(document.obj).items
        except SealbridgeError as error:
            raise error.at(document.where) from None
        return string_map({key: value.reveal() for key, value in items.items()})
    return _as_json(document.obj)


def _as_json(value: Any) -> Any:
    """Numbers as Go reads them from JSON, and so from YAML: every one is a float64."""
    if isinstance(value, dict):
        return {key: _as_json(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_as_json(entry) for entry in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
