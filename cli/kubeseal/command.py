"""`sealbridge kubeseal`: takes kubeseal's command line to the mode that it asks for, and its answer out.

Modes come in kubeseal's order: where several are asked for, the first one counts. Exit codes are kubeseal's:
1 for whatever goes wrong, 2 for a command line that cannot be understood.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

from sealbridge.errors import SealbridgeError
from sealbridge.files import write_atomic
from sealbridge_cli import console
from sealbridge_cli.kubeseal.flags import FLAGS, FlagError, Flags, HelpWanted, parse, usage

# The release of kubeseal whose behaviour this is: scripts compare it before they use a flag.
COMPATIBLE = "0.38.4"
_PRIVATE = 0o600


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags, for completion scripts. The command line itself is read by `main`, as pflag does."""
    for flag in FLAGS:
        names = [f"--{flag.name}", *([f"-{flag.short}"] if flag.short else [])]
        action: dict[str, Any] = {"action": "store_true"} if flag.kind == "bool" else {"metavar": "VALUE"}
        parser.add_argument(*names, dest=flag.name, help=flag.help.replace("%", "%%"), **action)
    parser.epilog = (
        "examples:\n"
        "  alias kubeseal='sealbridge kubeseal'\n"
        "  sealbridge kubeseal --cert cert.pem -f secret.yaml -w sealed.yaml\n"
        "  sealbridge kubeseal --re-encrypt -f sealed.yaml"
    )


def run(args: argparse.Namespace) -> int:
    """Without any flag."""
    return main([])


def main(arguments: Sequence[str]) -> int:
    """One command line; returns the exit code. Errors are printed as kubeseal prints them."""
    try:
        flags = parse(arguments, os.environ)
    except HelpWanted:
        console.data(usage())
        return 0
    except FlagError as error:
        console.note(str(error))
        console.data(usage())
        return 2
    for text in flags.deprecated:
        console.note(text)
    try:
        _run(flags)
    except SealbridgeError as error:
        console.traceback(error)
        report(error)
        return 1
    return 0


def report(error: SealbridgeError) -> None:
    """What scripts look for comes right behind `error: `, so the place comes in a line of its own."""
    console.error(SealbridgeError(error.what))
    if error.where:
        console.note(f"       {error.where}")
    if error.hint:
        console.hint(error.hint)


def _run(flags: Flags) -> None:
    if flags.list("from-file") and not flags.on("raw"):
        raise SealbridgeError("--from-file requires --raw")
    if flags.on("version"):
        import sealbridge

        console.note(f"(this is sealbridge {sealbridge.__version__})")
        console.data(f"kubeseal version: {COMPATIBLE}\n")
        return
    written = flags.text("sealed-secret-file")
    source = flags.text("secret-file")
    if flags.on("re-encrypt") and not written and source:
        # The only mode that works in place by itself.
        written = source
    _check_target(written)
    private = flags.on("recovery-unseal")
    output = _answer(flags, written)
    if output is None:
        return
    if not written:
        console.binary(output)
        return
    try:
        write_atomic(written, output, mode=_PRIVATE if private else None)
    except OSError as error:
        raise _cannot(written, error) from None


def _answer(flags: Flags, written: str) -> bytes | None:
    """What the mode makes; None when it makes nothing."""
    extension = os.path.splitext(written)[1]  # noqa: PTH122 - pathlib takes longer to import than sealing
    format_ = "yaml" if extension in (".yaml", ".yml") else flags.text("format")
    if flags.on("recovery-unseal"):
        from sealbridge_cli.kubeseal import recovery

        return recovery.unseal(flags, format_)
    if flags.list("recovery-private-key") and console.on_terminal():
        console.note(
            "warning: ignoring --recovery-private-key because unseal command not chosen "
            "with --recovery-unseal"
        )
    if flags.on("validate") or flags.on("re-encrypt"):
        from sealbridge_cli.kubeseal import asking

        if flags.on("validate"):
            asking.validate(flags)
            return None
        return asking.re_encrypt(flags, format_)
    from sealbridge_cli.kubeseal import certificates, inputs, sealing

    if not flags.text("cert") and not flags.on("fetch-cert"):
        # The way to a cluster may lead over a plugin, which shares our stdin.
        inputs.keep_stdin(flags)
    pem, where = certificates.read(flags)
    if flags.on("fetch-cert"):
        return pem
    certificate = certificates.parse(pem, where)
    if target := flags.text("merge-into"):
        merged = sealing.merge(flags, certificate, format_, target)
        return merged if written else None
    if flags.on("raw"):
        return sealing.raw(flags, certificate)
    return sealing.seal(flags, certificate, format_)


def _check_target(written: str) -> None:
    """Before anything is done: whether there is a folder for what will be written."""
    folder = os.path.dirname(written)  # noqa: PTH120 - as above
    if written and folder and not os.path.isdir(folder):  # noqa: PTH112 - as above
        raise SealbridgeError(f"open {written}: no such file or directory")


def _cannot(path: str, error: OSError) -> SealbridgeError:
    return SealbridgeError(f"open {path}: {(error.strerror or 'unknown error').lower()}")
