"""Writes the stored outputs of the corpus anew: `make corpus`. Needs Go."""

from __future__ import annotations

import re
import sys

from tests.interop.templates.cases import EXPECTED, GROUPS, Corpus, Outcome, load
from tests.interop.templates.original import Original, program

# Where something lies in Go's memory says nothing.
_ADDRESS = re.compile(rb"\b0xc0[0-9a-f]{8}\b")


def record(corpus: Corpus, original: Original, *, renderings: int = 1) -> str:
    """The stored outputs of one group. Raises ValueError for a case that renders differently at times."""
    outcomes: dict[str, Outcome] = {}
    for digest, case in corpus.compared().items():
        outcomes[digest], error = original.explain(case)
        unsteady = any(original.render(case) != outcomes[digest] for _ in range(renderings - 1))
        if unsteady or error == "takes too long" or _ADDRESS.search(outcomes[digest].output):
            raise ValueError(f"{corpus.group}: nothing to hold others against: {case}")
    return corpus.expectations(outcomes)


def main() -> int:
    """The command."""
    if not program():
        return 1
    EXPECTED.mkdir(exist_ok=True)
    for path in EXPECTED.glob("*.json"):
        if path.stem not in GROUPS:
            path.unlink()
    failed = 0
    with Original() as original:
        for group in GROUPS:
            try:
                corpus = load(group)
                corpus.expected_path.write_text(record(corpus, original, renderings=4))
            except Exception as error:  # noqa: BLE001 - the other groups are written all the same
                print(f"error: {error}", file=sys.stderr)
                failed = 1
                continue
            compared, differences = len(corpus.compared()), len(corpus.differences)
            print(f"{group:14} {compared:4} cases, {differences} differences")
    return failed


if __name__ == "__main__":
    sys.exit(main())
