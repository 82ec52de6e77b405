"""`sealbridge version`: prints the version."""

from __future__ import annotations

import argparse

import sealbridge
from sealbridge_cli import console


def configure(parser: argparse.ArgumentParser) -> None:
    """Takes no options."""
    parser.epilog = "example:\n  sealbridge version"


def run(args: argparse.Namespace) -> int:
    """Print it on stdout."""
    console.data(f"sealbridge {sealbridge.__version__}\n")
    return 0
