"""Types of options that several commands have."""

from __future__ import annotations

from argparse import ArgumentTypeError

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
