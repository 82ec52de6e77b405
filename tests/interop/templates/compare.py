"""Shows what Go and we make of one template: `... compare '{{ .a }}' '{"a": 1}'`."""

from __future__ import annotations

import json
import sys

from sealbridge.errors import SealbridgeError
from sealbridge.templates import Template
from tests.interop.templates.cases import Case
from tests.interop.templates.original import Original
from tests.interop.templates.ours import as_json


def main(source: str, values: str = "{}") -> None:
    """The command."""
    case = Case(source, json.loads(values))
    with Original() as original:
        outcome, error = original.explain(case)
    print(f"Go:   {outcome}  {error}")
    try:
        print(f"ours: {Template(source).render(as_json(case.values)).encode('utf-8', 'surrogateescape')!r}")
    except SealbridgeError as error:
        print(f"ours: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
