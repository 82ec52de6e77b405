"""Shows what Go and we make of one template: `... compare '{{ .a }}' '{"a": 1}'`."""

from __future__ import annotations

import json
import sys

from tests.interop.templates import ours
from tests.interop.templates.cases import Case
from tests.interop.templates.original import Original


def main(source: str, values: str = "{}") -> None:
    """The command."""
    case = Case(source, json.loads(values))
    with Original() as original:
        for who, (outcome, error) in {"Go": original.explain(case), "ours": ours.explain(case)}.items():
            print(f"{who:5} {outcome}  {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
