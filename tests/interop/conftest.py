"""Leaves out what needs Go where there is none; `tools/oracle` says so then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.templates.original import Original, program

collect_ignore = [] if program() else ["test_live_templates.py", "test_generated_templates.py"]


@pytest.fixture(scope="session")
def original() -> Iterator[Original]:
    """Go's text/template with sprig, one a worker."""
    with Original() as running:
        yield running
