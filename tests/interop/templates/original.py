"""Go's text/template with sprig as a program that answers cases one by one."""

from __future__ import annotations

import base64
import functools
import json
import os
import subprocess
from types import TracebackType

from tests.interop.templates.cases import Case, Outcome
from tests.servers.apiserver import REPOSITORY

# Our "zero" is Go's default: text/template without any option, as Sealed Secrets uses it.
_MISSING = {"zero": "default", "error": "error"}


@functools.cache
def program() -> str:
    """The compiled program, or nothing where Go cannot be had."""
    found = subprocess.run([REPOSITORY / "tools" / "oracle"], check=True, stdout=subprocess.PIPE, text=True)
    return found.stdout.strip()


class Original:
    """The running program; a context manager. Not for several threads."""

    def __enter__(self) -> Original:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [program()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Go tells at length of what it dies.
            stderr=subprocess.DEVNULL,
            # The zone of this machine is not the corpus's business.
            env={**os.environ, "TZ": "UTC"},
        )

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def render(self, case: Case) -> Outcome:
        """What comes of a case."""
        return self.explain(case)[0]

    def parses(self, case: Case) -> tuple[bool, str]:
        """Whether the template of a case is one, without rendering it, and Go's error when it is none."""
        outcome, error = self._ask(case, parse=True)
        return not outcome.fails, error

    def explain(self, case: Case) -> tuple[Outcome, str]:
        """What comes of a case, and Go's error when it fails.

        A map within itself makes Go recurse until it dies, which counts as a failure.
        """
        return self._ask(case)

    def _ask(self, case: Case, *, parse: bool = False) -> tuple[Outcome, str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = {
            "template": base64.b64encode(case.template.encode("utf-8", "surrogateescape")).decode(),
            "name": "template",
            "missing": _MISSING[case.missing],
            "delimiters": case.delimiters,
            "values": case.values,
            "strings": case.strings,
            "parse": parse,
        }
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._end()
            self._start()
            return Outcome(fails="execute"), "died"
        answer = json.loads(line)
        if answer.get("fails") == "values":
            raise ValueError(f"the values of a case are wrong: {answer['error']}: {case.template}")
        output = base64.b64decode(answer["output"] or "")
        return Outcome(output, answer.get("fails", "")), answer.get("error", "")
