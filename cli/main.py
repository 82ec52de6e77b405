"""The `sealbridge` command: finds the command named and imports only that one."""

from __future__ import annotations


def run() -> int:
    """The entry point of the installed script."""
    return 0
