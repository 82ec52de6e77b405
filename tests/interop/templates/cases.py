"""The corpus: what is rendered by both, and the stored outputs of the original. Knows neither renderer.

`corpus/GROUP.yaml` is a list of cases, `expected/GROUP.json` holds what Go makes of them. A case with
`differs` is one where we differ on purpose: it says why, and what ours gives.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

FOLDER = Path(__file__).parent
CORPUS = FOLDER / "corpus"
EXPECTED = FOLDER / "expected"

# Enough to find the case that an expectation belongs to.
_QUOTED = 100


class CorpusError(Exception):
    """A corpus file is not what it should be."""


@dataclass(frozen=True)
class Outcome:
    """What came of a case: bytes, or the stage at which it failed, `parse` or `execute`."""

    output: bytes = b""
    fails: str = ""

    def __str__(self) -> str:
        return f"fails to {self.fails}" if self.fails else repr(self.output)

    def to_json(self) -> dict[str, str]:
        """Readable where it can be."""
        if self.fails:
            return {"fails": self.fails}
        try:
            return {"output": self.output.decode()}
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(self.output).decode()}

    @classmethod
    def from_json(cls, stored: Mapping[str, str]) -> Outcome:
        if "fails" in stored:
            return cls(fails=stored["fails"])
        if "base64" in stored:
            return cls(base64.b64decode(stored["base64"]))
        return cls(stored["output"].encode())


@dataclass(frozen=True)
class Case:
    """One template with its data. Numbers of the data are float64, as JSON's are in Go."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    strings: bool = False
    missing: Literal["zero", "error"] = "zero"
    delimiters: tuple[str, str] = ("{{", "}}")

    @property
    def digest(self) -> str:
        """What an expectation is filed under: another case, another digest."""
        told = [self.template, self.values, self.strings, self.missing, self.delimiters]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return self.template if len(self.template) <= _QUOTED else f"{self.template[:_QUOTED]}..."


@dataclass(frozen=True)
class Difference:
    """Why we differ from the original in a case, and what ours gives; its failures name no stage."""

    reason: str
    ours: Outcome

    def tells(self, outcome: Outcome) -> bool:
        """Whether this is the outcome it speaks of."""
        return bool(outcome.fails) if self.ours.fails else outcome == self.ours


@dataclass(frozen=True)
class Corpus:
    """One file of the corpus in its order, and its differences by digest."""

    group: str
    cases: Mapping[str, Case]
    differences: Mapping[str, Difference]

    @property
    def expected_path(self) -> Path:
        return EXPECTED / f"{self.group}.json"

    def expected(self) -> dict[str, Outcome]:
        """The stored outputs of the original by digest."""
        stored = json.loads(self.expected_path.read_text())
        return {digest: Outcome.from_json(outcome) for digest, outcome in stored.items()}

    def compared(self) -> dict[str, Case]:
        """The cases by digest that the original decides about."""
        return {digest: case for digest, case in self.cases.items() if digest not in self.differences}

    def expectations(self, outcomes: Mapping[str, Outcome]) -> str:
        """The file of stored outputs, from the outcomes by digest."""
        stored = {
            digest: {"template": str(case), **outcomes[digest].to_json()}
            for digest, case in self.compared().items()
        }
        return json.dumps(stored, indent=1, ensure_ascii=False) + "\n"


GROUPS = tuple(sorted(path.stem for path in CORPUS.glob("*.yaml")))


def load(group: str) -> Corpus:
    """One group of the corpus. Raises CorpusError, which names the case."""
    differences: dict[str, Difference] = {}
    cases: dict[str, Case] = {}
    for written in yaml.load((CORPUS / f"{group}.yaml").read_text(), Loader=yaml.CSafeLoader):
        try:
            case, difference = _case(**written)
            digest = case.digest
        except (TypeError, ValueError) as error:
            raise CorpusError(f"{group}: {error}: {written}") from None
        if digest in cases:
            raise CorpusError(f"{group}: twice: {case}")
        cases[digest] = case
        if difference:
            differences[digest] = difference
    return Corpus(group, cases, differences)


def _case(
    *,
    template: str,
    values: Mapping[str, Any] | None = None,
    strings: bool = False,
    missing: Literal["zero", "error"] = "zero",
    delimiters: tuple[str, str] = ("{{", "}}"),
    differs: str = "",
    output: str | None = None,
    fails: bool = False,
) -> tuple[Case, Difference | None]:
    if not isinstance(template, str):
        raise TypeError("a template is text")
    if missing not in ("zero", "error"):
        raise ValueError("`missing` is zero or error")
    left, right = delimiters
    case = Case(template, values or {}, strings, missing, (left, right))
    if not differs:
        if output is not None or fails:
            raise ValueError("only a case that differs says what comes out")
        return case, None
    if (output is None) != fails:
        raise ValueError("a case that differs has either an output or fails")
    return case, Difference(
        differs, Outcome(fails="parse or execute") if output is None else Outcome(output.encode())
    )
