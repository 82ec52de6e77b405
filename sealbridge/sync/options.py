"""What the annotations sealbridge.io/... of an ExternalSecret ask for. Knows words, no value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sealbridge.errors import ManifestError

OPTIONAL_KEYS = "sealbridge.io/optional-keys"
MINIMUM_MATCHES = "sealbridge.io/minimum-matches"
_NUMBER = re.compile("[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Options:
    """`optional`: secretKeys, and entries as `dataFrom[0]`, that may be missing in their store.

    `minimum_matches`: how many secrets every `find` must find.
    """

    optional: frozenset[str] = frozenset()
    minimum_matches: int = 0


NONE = Options()


def read_options(annotations: Mapping[str, str], known: frozenset[str]) -> Options:
    """The options of an ExternalSecret whose entries are called `known`. Raises ManifestError."""
    optional = frozenset(re.split(r"[\s,]+", annotations.get(OPTIONAL_KEYS, ""))) - {""}
    if unknown := sorted(optional - known):
        raise ManifestError(
            f"annotation {OPTIONAL_KEYS} names {', '.join(map(repr, unknown))}, which is no entry",
            hint="name secretKeys of spec.data, or entries like dataFrom[0], with commas between them",
        )
    minimum = annotations.get(MINIMUM_MATCHES, "0").strip()
    if not _NUMBER.fullmatch(minimum):
        raise ManifestError(f"annotation {MINIMUM_MATCHES} must be a number", hint="write it like '1'")
    return Options(optional, int(minimum))
