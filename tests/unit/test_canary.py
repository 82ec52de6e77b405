"""The canary finds what leaks, wherever it hides, and says so without repeating it."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.canary import Canary, LogRecords

ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda value: b"password=" + value + b"\n",
    "base64": base64.b64encode,
    "base64 behind one byte": lambda value: base64.b64encode(b"x" + value + b"tail"),
    "base64 behind two bytes": lambda value: base64.b64encode(b"xy" + value + b"tail"),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(b"{" + value + b"}"),
    "hexadecimal": lambda value: value.hex().encode(),
    "hexadecimal in capitals": lambda value: value.hex().upper().encode(),
    "percent-encoded": lambda value: urllib.parse.quote(value, safe="").encode(),
    "a form": lambda value: urllib.parse.urlencode({"value": value}).encode(),
    "a Python representation": lambda value: repr({"value": value}).encode(),
    "JSON": lambda value: json.dumps({"value": value.decode("latin-1")}).encode(),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_value_is_found_in_every_encoding(encode: Callable[[bytes], bytes], tmp_path: Path) -> None:
    canary = Canary()
    values = {
        "text": canary("text").encode(),
        "bytes": canary.bytes("bytes"),
        "made elsewhere": canary.register('quoted "text" / + ü', "made elsewhere").encode("utf-8"),
    }
    for label, value in values.items():
        if label == "made elsewhere" and encode is ENCODINGS["JSON"]:
            value = value.decode().encode("latin-1")
        (tmp_path / label).write_bytes(encode(value))
    assert {(leak.label, Path(leak.where).name) for leak in canary.leaks(tmp_path)} == {
        (label, label) for label in values
    }


def test_other_values_and_a_cut_value_are_no_leak(tmp_path: Path) -> None:
    canary = Canary()
    value = canary("mine")
    (tmp_path / "other").write_text(Canary()("another"))
    (tmp_path / "cut").write_text(value[:-4])
    assert canary.leaks(tmp_path) == []


def test_texts_and_watched_files_are_searched_and_outputs_are_not(tmp_path: Path) -> None:
    canary = Canary()
    value = canary("password")
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    for folder in (root / "deep", root / "output", elsewhere):
        folder.mkdir(parents=True)
        (folder / "file").write_text(value)
    canary.output(root / "output")
    canary.watch(elsewhere / "file")
    canary.seen(f"event: {value}", "an event")
    assert [leak.where for leak in canary.leaks(root)] == [
        str(elsewhere / "file"),
        str(root / "deep" / "file"),
        "an event",
    ]


def test_a_leak_is_told_by_label_and_never_by_value() -> None:
    canary = Canary()
    value = canary("db-password")
    canary.seen(value, "metrics")
    (leak,) = canary.leaks()
    assert str(leak) == "'db-password' in metrics"
    assert value not in repr(leak) + repr(canary)


def test_short_values_are_refused_because_chance_would_find_them() -> None:
    with pytest.raises(ValueError, match="too short"):
        Canary().register("secret", "short")


@pytest.mark.parametrize(
    "log",
    [
        lambda logger, value: logger.debug("got %s", value),
        lambda logger, value: logger.debug("got it", extra={"value": value}),
        lambda logger, value: logger.debug("wrong number of arguments %s %s", value),
        lambda logger, value: logger.debug("failed", exc_info=ValueError(value)),
    ],
    ids=["in the message", "as an extra field", "in a malformed message", "in an exception"],
)
def test_log_records_keep_all_that_hangs_on_them(log: Callable[[logging.Logger, str], None]) -> None:
    canary = Canary()
    records = LogRecords()
    logger = logging.Logger("any.library")
    logger.addHandler(records)
    log(logger, canary("logged"))
    canary.seen(records.text(), "log records")
    records.close()
    assert [leak.label for leak in canary.leaks()] == ["logged"]


LEAKING_TESTS = """
import logging

def test_logs_it(canary):
    logging.getLogger("kopf.objects").debug("body: %s", canary("logged-password"))

def test_writes_it(canary, tmp_path):
    (tmp_path / "operator.log").write_text(canary("written-password"))

def test_writes_it_where_it_belongs(canary, tmp_path):
    canary.output(tmp_path).joinpath("secret.yaml").write_text(canary("belongs-there"))
"""


def test_a_run_that_leaks_fails_and_names_the_places(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_text("from tests.conftest import *\n")
    (tests / "test_leaks.py").write_text(LEAKING_TESTS)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"),
            *("-c", os.devnull, f"--rootdir={tests}", f"--basetemp={tmp_path / 'base'}", str(tests)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tests,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert re.search(r"3 passed, (\d+ warnings?, )?1 error", run.stdout)
    assert "'logged-password' in log records of the test process" in run.stdout
    assert "'written-password' in " in run.stdout
    assert "belongs-there" not in run.stdout
