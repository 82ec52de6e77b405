"""Whatever a template is, it ends: in text or in a TemplateError, and within its bounds."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from sealbridge.errors import TemplateError
from sealbridge.templates import Template
from sealbridge.templates.go.values import from_python
from sealbridge.templates.limits import Limits
from tests.interop.templates.mutants import mutant

INPUTS = 100_000
# So that the workers share the work.
SHARES = 20

# Far below the defaults, so that the bounds are what many inputs meet, and soon. No keys, no password hashes.
LIMITS = Limits(output=20_000, size=20_000, total=200_000, steps=2_000, depth=40, costly=0, seconds=2)
# A machine may be busy, and a bound on time is looked at now and then only.
PATIENCE = 20

DATA: dict[str, Any] = {
    "name": "Ann",
    "text": "héllo\udcff wörld",
    "empty": "",
    "null": None,
    "yes": True,
    "one": 1.0,
    "number": 7,
    "huge": 1e300,
    "list": ["a", "b", 3.5, None, ["x"]],
    "map": {"a": 1.0, "b": {"c": "d"}},
    "crt": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
}


@pytest.mark.parametrize("share", range(SHARES))
def test_every_input_ends_in_text_or_an_error_within_its_bounds(share: int) -> None:
    chance = random.Random(share)
    data = from_python(DATA)
    internal: list[str] = []
    for _ in range(INPUTS // SHARES):
        source = mutant(chance)
        started = time.monotonic()
        try:
            missing = chance.choice(("zero", "error"))
            rendered = Template(source, missing=missing, limits=LIMITS).render(data)
        except TemplateError as error:
            # An internal error is one that nobody has thought of.
            if "internal error" in str(error):
                internal.append(f"{source!r}: {error.__cause__!r}")
        except Exception as error:
            error.add_note(f"of {source!r}")
            raise
        else:
            assert len(rendered.encode("utf-8", "surrogateescape")) <= LIMITS.output, source
        assert time.monotonic() - started < PATIENCE, source
    assert internal == []
