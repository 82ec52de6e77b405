"""A document that lies is caught, and one that tells the truth is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.examples import Example, ExampleError, examples, run_all

MAKEFILE = "test: ## All\n\t@true\n"

TRUE = {
    "output": "```console\n$ echo one; echo two\none\ntwo\n```",
    "no output": "```console\n$ true\n```",
    "dots within a line": "```console\n$ echo key SHA256:abc made\nkey SHA256:... made\n```",
    "dots for lines": "```console\n$ seq 5\n1\n...\n5\n```",
    "dots for no lines": "```console\n$ seq 2\n1\n...\n2\n```",
    "only dots": "```console\n$ seq 9\n...\n```",
    "dots at the end": "```console\n$ seq 9\n1\n...\n```",
    "dots at the beginning": "```console\n$ seq 9\n...\n9\n```",
    "output on stderr": "```console\n$ echo oops >&2\noops\n```",
    "a command of two lines": "```console\n$ echo one \\\n    two\none two\n```",
    "a here-document": "```console\n$ cat <<END\n> one\n> END\none\n```",
    "two commands": "```console\n$ echo one\none\n$ echo two\ntwo\n```",
    "what one block leaves to the next": (
        "```bash\nmkdir sub && cd sub\nexport NAME=ann\n```\ntext\n"
        "```console\n$ echo $NAME in ${PWD##*/}\nann in sub\n```"
    ),
    "a file": "```yaml\n# conf/one.yaml\nkey: value\n```\n```console\n$ grep -c value conf/one.yaml\n1\n```",
    "an announced failure": "<!-- test: fails -->\n```console\n$ ls nowhere\n...No such file...\n```",
    "make targets": "<!-- test: skip-run make -->\n```console\n$ git clone somewhere\n$ make test\n```",
    "a background job": "```bash\nsleep 1000 &\n```\n```console\n$ jobs -r | wc -l\n1\n```",
    "an unmarked language": "```python\nraise SystemExit\n```",
}

LIES = {
    "other output": ("```console\n$ echo one\ntwo\n```", "is said to print"),
    "more output": ("```console\n$ seq 3\n1\n2\n```", "is said to print"),
    "less output": ("```console\n$ seq 2\n1\n2\n3\n```", "is said to print"),
    "dots do not cross lines": ("```console\n$ seq 3\n1...3\n```", "is said to print"),
    "a hidden failure": ("```console\n$ false\n```", "exit code 1"),
    "a script that fails midway": ("```bash\nfalse\ntrue\n```", "the shell ended"),
    "a failure that does not come": ("<!-- test: fails -->\n```console\n$ true\n```", "exit code 0"),
    "a shell that ends": ("```console\n$ exit 0\n```", "the shell ended"),
    "broken YAML": ("```yaml\nkey: [\n```", "line 1"),
    "no make target": (
        "<!-- test: skip-run make -->\n```bash\nmake coffee\n```",
        "no such make target: coffee",
    ),
    "nothing checked": ("<!-- test: skip-run -->\n```bash\nrm -rf sub\n```", "neither run nor checked"),
}


@pytest.mark.parametrize("document", TRUE.values(), ids=TRUE)
def test_true_examples_pass(document: str, tmp_path: Path) -> None:
    run_all(examples(document), tmp_path, {}, MAKEFILE)


@pytest.mark.parametrize(("document", "reason"), LIES.values(), ids=LIES)
def test_lies_are_caught_and_explained(document: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match=reason):
        run_all(examples(document), tmp_path, {}, MAKEFILE)


def test_examples_know_their_line_and_their_words() -> None:
    document = "# Title\n\ntext\n\n<!-- test: openbao fails -->\n\n```console\n$ true\n```\n"
    assert examples(document) == [Example(7, "console", frozenset({"openbao", "fails"}), "$ true\n")]
