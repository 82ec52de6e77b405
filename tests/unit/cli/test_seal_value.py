from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from sealbridge.sealing import envelope
from sealbridge.sealing.keyring import Keyring
from tests.sealing_keys import sealing_key
from tests.unit.cli.conftest import Run


def opened(text: str, label: str) -> bytes:
    return Keyring([sealing_key()]).open(envelope.decode(text.strip()), label.encode()).value.reveal()


@pytest.mark.parametrize(
    ("options", "label"),
    [
        (["--name", "db", "-n", "shop"], "shop/db"),
        (["-n", "shop", "--scope", "namespace-wide"], "shop"),
        (["--name", "db", "-n", "shop", "--scope", "namespace-wide"], "shop"),
        (["--scope", "cluster-wide"], ""),
    ],
)
def test_stdin_becomes_one_line_bound_to_what_the_scope_says(
    run: Run, cert: str, options: list[str], label: str
) -> None:
    outcome = run("seal-value", "--cert", cert, *options, stdin=b"\x00\xffvalue")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("\n") == 1
    assert opened(outcome.out, label) == b"\x00\xffvalue"


@pytest.mark.parametrize(
    ("value", "options", "sealed", "hint"),
    [
        (b"x\n", [], b"x\n", True),
        (b"x\r\n", [], b"x\r\n", True),
        (b"x\n", ["--trim-newline"], b"x", False),
        (b"x\r\n", ["--trim-newline"], b"x", False),
        (b"x\n\n", ["--trim-newline"], b"x\n", False),
        (b"x", ["--trim-newline"], b"x", False),
        (b"", [], b"", False),
    ],
)
def test_the_last_line_break_is_sealed_unless_it_is_asked_not_to(
    run: Run, cert: str, value: bytes, options: list[str], sealed: bytes, hint: bool
) -> None:
    outcome = run("seal-value", "--cert", cert, "--scope", "cluster-wide", *options, stdin=value)
    assert opened(outcome.out, "") == sealed
    assert ("hint: stdin ends with a line break, which is sealed with it" in outcome.err) == hint


def test_items_become_lines_that_can_be_pasted(run: Run, cert: str, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("USER=app\nno=1\n")
    (tmp_path / "f").write_text("file\n")
    outcome = run(
        *("seal-value", "--cert", cert, "--name", "db", "-n", "shop", "--from-env-file", "env"),
        *("--from-file", "f", "--from-literal", "7=x"),
    )
    values = yaml.safe_load(outcome.out)
    assert {key: opened(text, "shop/db") for key, text in values.items()} == {
        "f": b"file\n", "7": b"x", "USER": b"app", "no": b"1"
    }  # fmt: skip
    assert len(outcome.out.splitlines()) == 4
    listed = json.loads(
        run("seal-value", "--cert", cert, "--scope", "cluster-wide", "-o", "json", "--from-file", "f").out
    )
    assert opened(listed["f"], "") == b"file\n"
    alone = run("seal-value", "--cert", cert, "--scope", "cluster-wide", "-o", "json", stdin="v").out
    assert opened(json.loads(alone), "") == b"v"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ([], "a strict value is bound to a namespace"),
        (["-n", "shop"], "a strict value is bound to a name"),
        (["--name", "db"], "a strict value is bound to a namespace"),
        (["--scope", "namespace-wide"], "a namespace-wide value is bound to a namespace"),
        (["--name", "DB", "-n", "shop"], "--name is not a name that Kubernetes takes"),
        (["--name", "db", "-n", "a.b"], "is not a namespace that Kubernetes takes"),
    ],
)
def test_what_the_scope_needs_is_asked_for(run: Run, cert: str, options: list[str], error: str) -> None:
    outcome = run("seal-value", "--cert", cert, *options, stdin="v")
    assert (outcome.code, outcome.out) == (2, "")
    assert error in outcome.err
