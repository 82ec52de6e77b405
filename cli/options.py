"""Types of options that several commands have."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta

from sealbridge.errors import ManifestError
from sealbridge.secret import check_namespace


def namespace(text: str) -> str:
    """A name that a namespace can have; none is as if the option were not there."""
    if text:
        try:
            check_namespace(text, "it")
        except ManifestError as error:
            raise ArgumentTypeError(error.what) from None
    return text


def file(text: str) -> str:
    """The path of a file, which is not empty: an unset variable of a shell is."""
    if not text:
        raise ArgumentTypeError("it is empty, the name of a file is expected")
    return text


def period(text: str) -> timedelta:
    """A length of time: `30d`, `720h`, `1h30m`, or 0."""
    units = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
    if text == "0":
        return timedelta()
    if not re.fullmatch(r"(?:[0-9]{1,6}[dhms])+", text):
        raise ArgumentTypeError("it is not a length of time such as 30d or 720h")
    parts = re.findall(r"([0-9]+)([dhms])", text)
    return sum((timedelta(**{units[unit]: int(number)}) for number, unit in parts), timedelta())


def pair(text: str) -> tuple[str, str]:
    """`key=value`."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ArgumentTypeError("it is not key=value")
    return key, value


def add_keys(parser: ArgumentParser, text: str) -> None:
    """The option `--key FILE...`, as often as needed."""
    parser.add_argument("--key", nargs="+", action="extend", default=[], metavar="FILE", help=text)
