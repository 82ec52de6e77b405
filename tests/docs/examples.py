"""The examples of a Markdown document: found in it, and run as printed. Knows Markdown's fences and bash.

- ```console: lines after `$ ` are run, what follows is what they print; `...` stands for anything.
- ```bash: the block is run and has to succeed.
- ```yaml, ```json: has to parse; one that begins with a comment `# NAME.yaml` is written to that file.

A comment `<!-- test: WORDS -->` before a fence says more: `fails` (its commands end with an error),
`skip-run` (they are looked at only: each must be a make target that exists, or the way to a checkout), and
the servers that it needs (`openbao`, `apiserver`).
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

_FENCE = re.compile(
    r"(?:^<!-- test: (?P<words>[^\n]*?) -->\n\s*)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_FILE_NAME = re.compile(r"# (?P<name>[\w./-]+\.\w+)\n")
_ON_THE_WAY = ("git clone ", "cd ")


class ExampleError(AssertionError):
    """An example does not do what is printed. Tells the document's line."""


@dataclass(frozen=True)
class Example:
    """One fenced block."""

    line: int
    language: str
    words: frozenset[str]
    text: str

    @property
    def commands(self) -> Iterator[tuple[str, str]]:
        """What is typed and what it is said to print; nothing is said of a bash block's output."""
        if self.language == "bash":
            yield self.text, "...\n"
        elif self.language == "console":
            for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
                typed, expected = _split_typed(part.splitlines())
                yield typed, expected


def examples(document: str) -> list[Example]:
    """All fenced blocks of a document, in order."""
    return [
        Example(
            line=document[: found.start("language")].count("\n") + 1,
            language=found["language"],
            words=frozenset((found["words"] or "").split()),
            text=found["text"],
        )
        for found in _FENCE.finditer(document)
    ]


def run_all(found: list[Example], folder: Path, environment: Mapping[str, str], makefile: str) -> None:
    """Run a document's examples in order in one shell, as a reader would; ExampleError at one that lies."""
    with Shell(folder, environment) as shell:
        for example in found:
            if example.language in ("yaml", "json"):
                _write(example, folder)
            elif "skip-run" in example.words:
                _look_at(example, makefile)
            else:
                for typed, expected in example.commands:
                    # Anything that fails within a script ends the shell, which is told as a failure.
                    script = f"set -e\n{typed}set +e" if example.language == "bash" else typed
                    _run(example, script, expected, shell)


class Shell:
    """One bash that remembers folder, variables and background jobs from command to command."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._mark = f"done-{secrets.token_hex(8)}"
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={**os.environ, **environment},
            start_new_session=True,
        )

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        # With all that it left running in the background.
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()

    def run(self, command: str) -> tuple[str, int]:
        """What the command printed, and its exit code."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{{\n{command}\n}} </dev/null\nprintf '%s %s\\n' {self._mark} $?\n")
        self._bash.stdin.flush()
        printed = ""
        for line in self._bash.stdout:
            before, mark, code = line.partition(f"{self._mark} ")
            printed += before
            if mark:
                return printed, int(code)
        raise ExampleError(f"the shell ended in: {command}\n{printed}")


def _run(example: Example, typed: str, expected: str, shell: Shell) -> None:
    printed, code = shell.run(typed)
    if (code != 0) != ("fails" in example.words):
        raise ExampleError(f"line {example.line}: exit code {code} of: {typed}\n{printed}")
    if not _pattern(expected).fullmatch(_trimmed(printed)):
        raise ExampleError(
            f"line {example.line}: {typed}\nis said to print:\n{expected}\nand prints:\n{printed}"
        )


def _look_at(example: Example, makefile: str) -> None:
    for typed, _ in example.commands:
        for line in typed.splitlines():
            made = re.fullmatch(r"make (\w+)(?: .*)?", line)
            if made is None and not line.startswith(_ON_THE_WAY):
                raise ExampleError(f"line {example.line}: neither run nor checked: {line}")
            if made is not None and not re.search(rf"^{made[1]}:", makefile, re.MULTILINE):
                raise ExampleError(f"line {example.line}: no such make target: {made[1]}")


def _write(example: Example, folder: Path) -> None:
    try:
        list(yaml.safe_load_all(example.text))
    except yaml.YAMLError as error:
        raise ExampleError(f"line {example.line}: {error}") from None
    named = _FILE_NAME.match(example.text)
    if named is not None:
        path = folder / named["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example.text)


def _split_typed(lines: list[str]) -> tuple[str, str]:
    """A command goes on after a backslash, and on lines that begin with `> `."""
    typed = [lines[0]]
    rest = lines[1:]
    while rest and (typed[-1].endswith("\\") or rest[0].startswith("> ")):
        typed.append(rest.pop(0).removeprefix("> "))
    return "\n".join(typed), "\n".join(rest)


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _pattern(expected: str) -> re.Pattern[str]:
    pattern = re.escape(_trimmed(expected))
    # A line of dots stands for any lines, also for none; dots within a line for anything in that line.
    pattern = re.sub(r"(^|\\\n)\\\.\\\.\\\.(?=\\\n|$)", r"(?:(?:\1|^).*)?", pattern)
    return re.compile(pattern.replace(r"\.\.\.", r"[^\n]*"), re.DOTALL)
