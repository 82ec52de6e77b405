"""The `sealbridge` command: finds the command named and imports only that one.

A command is a module with `configure(parser)`, which describes it, and `run(args)`, which returns the
exit code. Codes: 0 done, 1 failed, 2 used wrongly, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol, cast

from sealbridge.errors import SealbridgeError, UsageError, defect
from sealbridge_cli import console

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

INTERRUPTED = 130
_PROGRAM = "sealbridge"


class Entry(NamedTuple):
    """Where a command lives and what it does, in one line."""

    module: str
    help: str


COMMANDS: dict[str, Entry] = {
    "seal": Entry("sealbridge_cli.seal", "seal Secrets with a cluster's certificate, for Git"),
    "seal-value": Entry("sealbridge_cli.seal_value", "seal single values, as lines for a SealedSecret"),
    "merge": Entry("sealbridge_cli.merge", "seal new items into a SealedSecret file"),
    "verify": Entry("sealbridge_cli.verify", "find mistakes in SealedSecrets, without a cluster"),
    "reseal": Entry("sealbridge_cli.reseal", "seal the SealedSecrets of files anew, for another key"),
    "unseal": Entry("sealbridge_cli.unseal", "open SealedSecrets with a sealing key, without a cluster"),
    "cert": Entry("sealbridge_cli.cert", "show a sealing certificate"),
    "kubeseal": Entry("sealbridge_cli.kubeseal.command", "all that kubeseal does, by its own flags"),
    "keys": Entry("sealbridge_cli.keys", "make sealing keys, and look after them"),
    "sync": Entry("sealbridge_cli.sync", "make the Secrets of a directory of manifests, without a cluster"),
    "render": Entry("sealbridge_cli.render", "show what ExternalSecrets would change, without writing"),
    "template": Entry("sealbridge_cli.template", "try out templates, without a cluster"),
    "operator": Entry("sealbridge_cli.operator", "run in a cluster: unseal and sync for good"),
    "demo": Entry("sealbridge_cli.demo", "watch the whole of it work on real parts"),
    "completion": Entry("sealbridge_cli.completion", "print a completion script for a shell"),
    "version": Entry("sealbridge_cli.version", "print the version"),
}

_EXAMPLES = """\
examples:
  sealbridge keys init --dir keys
  sealbridge seal --cert keys/cert.pem -f secret.yaml -w sealed.yaml
  sealbridge unseal --key keys -f sealed.yaml
"""


class Command(Protocol):
    """What a command's module offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Describe the command: its options, description and examples."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it, and return the exit code. Raises SealbridgeError."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are raised as UsageError and whose examples keep their lines."""

    def __init__(self, **settings: object) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        settings.setdefault("allow_abbrev", False)
        super().__init__(**settings)  # type: ignore[arg-type]

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """To stdout, as data is: argparse would hide that nobody takes it."""
        console.data(self.format_help())

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where the help is."""
        raise UsageError(message[:1].lower() + message[1:], hint=f"{self.prog} --help shows how it is used")


def run() -> int:
    """The entry point of the installed script."""
    return main(sys.argv[1:])


def main(arguments: list[str]) -> int:
    """Run one command line and return its exit code. Every error becomes lines on stderr."""
    try:
        code = _dispatch(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except SealbridgeError as error:
        console.traceback(error)
        console.error(error)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        console.note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _give_up_stdout()
        return 1
    except OSError as error:
        console.traceback(error)
        reason = (error.strerror or type(error).__name__).lower()
        console.error(SealbridgeError(reason, where=str(error.filename) if error.filename else None))
        _give_up_stdout()
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: nobody is shown a traceback unasked
        console.traceback(error)
        strange = isinstance(error, UnicodeEncodeError) and not all(map(_is_text, arguments))
        console.error(
            SealbridgeError("the command line has bytes that are not UTF-8") if strange else defect(error)
        )
        return 1
    return code


def build_parser(name: str, prog: str | None = None) -> Parser:
    """The parser of one command."""
    parser = Parser(prog=prog or f"{_PROGRAM} {name}", description=COMMANDS[name].help)
    _load(name).configure(parser)
    return parser


def _dispatch(arguments: list[str]) -> int:
    if not arguments:
        for line in _help().rstrip().split("\n"):
            console.note(line)
        return 2
    if arguments[0] in ("-h", "--help", "help"):
        console.data(_help())
        return 0
    if arguments[0] in ("-V", "--version"):
        arguments = ["version"]
    name = arguments[0]
    if name not in COMMANDS:
        raise UsageError(f"there is no command {name!r}", hint=_suggestion(name))
    if name == "kubeseal":
        # Its command line is not argparse's.
        from sealbridge_cli.kubeseal.command import main as kubeseal

        return kubeseal(arguments[1:])
    try:
        parsed = build_parser(name).parse_args(arguments[1:])
    except SystemExit:
        # argparse has printed the help that it was asked for; its errors are raised by Parser.
        return 0
    return _load(name).run(parsed)


def _is_text(argument: str) -> bool:
    """Whether an argument is UTF-8, as all must be but names of files; others have surrogates in them."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _load(name: str) -> Command:
    return cast("Command", import_module(COMMANDS[name].module))


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {entry.help}" for name, entry in COMMANDS.items()]
    return "\n".join(
        [
            f"usage: {_PROGRAM} COMMAND [option ...]",
            "",
            "Carry secrets into Kubernetes the GitOps way: sealed in Git, or synced from secret stores.",
            "",
            "commands:",
            *lines,
            "",
            f"{_PROGRAM} COMMAND --help shows the options of a command.",
            "",
            _EXAMPLES,
        ]
    )


def _suggestion(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, COMMANDS, n=1)
    return f"did you mean {close[0]!r}?" if close else f"{_PROGRAM} --help lists the commands"


def _give_up_stdout() -> None:
    """Nobody takes our output: Python would complain once more while it shuts down."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
