"""Log lines: JSON, stable fields, and nothing of what libraries print of objects."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from sealbridge.operator import logs
from sealbridge.secret import Value


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged; the process's logging is put back afterwards."""
    names = ["", "sealbridge", *logs._PINNED]
    levels = {name: logging.getLogger(name).level for name in names}
    handlers = list(logging.getLogger().handlers)
    made = io.StringIO()
    logs.configure("debug", made)
    yield made
    logging.captureWarnings(False)
    logging.getLogger().handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_and_the_fields_that_were_given(stream: io.StringIO) -> None:
    logging.getLogger("sealbridge.x").info(
        "done", extra={"kind": "SealedSecret", "namespace": "a", "object": "ü", "keys": {"added": ["k"]}}
    )
    (line,) = lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "sealbridge.x",
        "msg": "done",
        "kind": "SealedSecret",
        "namespace": "a",
        "name": "ü",
        "keys": {"added": ["k"]},
    }


def test_a_field_that_is_not_on_the_list_is_not_printed(stream: io.StringIO) -> None:
    logging.getLogger("sealbridge").info("x", extra={"password": "hunter2"})
    assert "hunter2" not in stream.getvalue()


def test_a_value_is_redacted_wherever_it_stands(stream: io.StringIO) -> None:
    value = Value(b"hunter2")
    logging.getLogger("sealbridge").info("it is %s", value, extra={"error": value})
    assert "hunter2" not in stream.getvalue()
    assert lines(stream)[0]["error"] == "<redacted>"


def test_of_an_exception_only_type_and_place_are_told(stream: io.StringIO) -> None:
    try:
        int("hunter2")
    except ValueError:
        logging.getLogger("sealbridge").exception("a defect")
    (line,) = lines(stream)
    assert line["exception"] == "ValueError"
    assert line["at"][-1].startswith("test_logs.py:")
    assert "hunter2" not in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "Ignoring an unsupported event type: {'object': {'value': 'hunter2'}}",
        "failed; will retry: GET https://x -> APIForbiddenError('hunter2')",
        "patch with: [hunter2]",
    ],
)
def test_what_a_library_prints_is_cut_before_its_objects(stream: io.StringIO, text: str) -> None:
    logging.getLogger("kopf.x").warning(text)
    (line,) = lines(stream)
    assert "hunter2" not in stream.getvalue()
    assert line["msg"]


@pytest.mark.parametrize("name", ["kopf", "kopf.objects", "aiohttp.access", "asyncio", "urllib3"])
def test_libraries_stay_quiet_whatever_the_level(stream: io.StringIO, name: str) -> None:
    logging.getLogger(name).info("body: hunter2")
    logging.getLogger(name).debug("body: hunter2")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "text",
    [
        "OS signals are ignored: running not in the main thread.",
        "Cleanup activity is not executed at all due to cancellation.",
    ],
)
def test_what_kopf_warns_of_is_as_intended(stream: io.StringIO, text: str) -> None:
    logging.getLogger("kopf.running").warning(text)
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("text", "told"), [("trouble ahead", True), ("coroutine 'watcher' was never awaited", False)]
)
def test_what_python_warns_of_is_a_line_as_any(stream: io.StringIO, text: str, told: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.configure("debug", stream)
        warnings.warn(text, RuntimeWarning, stacklevel=1)
    logging.captureWarnings(False)
    assert [text in line["msg"] for line in lines(stream)] == [True] * told


def test_a_message_that_is_no_text_is_logged(stream: io.StringIO) -> None:
    logging.getLogger("kopf.running").warning(ValueError("trouble"))
    assert "trouble" in stream.getvalue()


def test_text_is_for_people_and_one_line_each(
    capsys: pytest.CaptureFixture[str], stream: io.StringIO
) -> None:
    logs.configure("debug", stream, format_="text", info_to_stdout=True)
    log = logging.getLogger("sealbridge.x")
    log.info("done\nwith it", extra={"kind": "SealedSecret", "object": "ü", "keys": {"added": ["k"]}})
    log.warning("failed", extra={"error": 'two words, one "quoted"\nand a line', "password": "hunter2"})

    (line,) = capsys.readouterr().out.splitlines()
    assert line.partition(" ")[2] == (
        'INFO    sealbridge.x: done\\nwith it kind=SealedSecret name=ü keys={"added": ["k"]}'
    )
    (line,) = stream.getvalue().splitlines()
    assert line.partition(" ")[2] == (
        'WARNING sealbridge.x: failed error="two words, one \\"quoted\\"\\nand a line"'
    )
