"""`sealbridge completion`: prints a completion script for a shell."""

from __future__ import annotations

import argparse

from sealbridge.errors import SealbridgeError
from sealbridge_cli import console
from sealbridge_cli.main import COMMANDS, Parser, build_parser

_FILES = ("FILE", "PATH", "PATH|URL", "SEALED", "[KEY=]PATH")
SHELLS = ("bash", "zsh", "tcsh")


def configure(parser: argparse.ArgumentParser) -> None:
    """Takes the name of a shell."""
    parser.add_argument("shell", choices=SHELLS, help="which shell the script is for")
    parser.epilog = (
        "examples:\n"
        "  source <(sealbridge completion bash)\n"
        '  sealbridge completion zsh > "${fpath[1]}/_sealbridge"'
    )


def run(args: argparse.Namespace) -> int:
    """Print the script on stdout."""
    try:
        import shtab
    except ImportError:
        raise SealbridgeError(
            "completion scripts need the package shtab", hint="pip install 'sealbridge[completion]'"
        ) from None
    console.data(shtab.complete(_whole_parser(), shell=args.shell).rstrip("\n") + "\n")
    return 0


def _whole_parser() -> Parser:
    """All commands in one parser, which nothing but completion needs."""
    whole = Parser(prog="sealbridge")
    commands = whole.add_subparsers()
    for name, entry in COMMANDS.items():
        # argparse takes no parser that is made already, so each is made again as a parent.
        command = build_parser(name)
        _complete_paths(command)
        commands.add_parser(name, help=entry.help, parents=[command], add_help=False)
    return whole


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    """Have the shell offer files where an option takes one; the names of variables say which do."""
    import shtab

    for action in parser._actions:  # noqa: SLF001 - shtab itself walks a parser in this way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for subparser in action.choices.values():
                _complete_paths(subparser)
        elif action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
