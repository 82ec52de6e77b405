"""A server process ends with the process that started it, and explains a start that failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.process import Process, launch_on_free_ports, wait_for

REPOSITORY = Path(__file__).parents[3]


def python(code: str, log: Path) -> Process:
    return Process([sys.executable, "-c", code], log)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Where nobody reaps orphans, a killed one stays as a zombie.
    return " Z " not in Path(f"/proc/{pid}/stat").read_text()


def test_a_start_that_fails_shows_what_the_program_said(tmp_path: Path) -> None:
    process = python("raise SystemExit('no such disk')", tmp_path / "log")
    process.start()
    with pytest.raises(RuntimeError, match=r"ended with code 1:\nno such disk"):
        process.wait_until(lambda: False, timeout=20)


def test_a_start_that_takes_too_long_shows_what_the_program_said(tmp_path: Path) -> None:
    process = python("import signal; print('still thinking', flush=True); signal.pause()", tmp_path / "log")
    process.start()
    process.wait_until(lambda: "thinking" in process.last_output(), timeout=20)
    with pytest.raises(RuntimeError, match=r"(?s)waited 0.1 s for .* to be ready:\nstill thinking"):
        process.wait_until(lambda: False, timeout=0.1)
    process.stop()
    assert process.exit_code == -signal.SIGTERM


def test_a_program_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    process = python(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)\n"
        "while True: signal.pause()",
        tmp_path / "log",
    )
    process.start()
    process.wait_until(lambda: "deaf" in process.last_output(), timeout=20)
    process.stop(timeout=0.1)
    assert process.exit_code == -signal.SIGKILL


def test_a_server_does_not_outlive_a_starter_that_is_killed(tmp_path: Path) -> None:
    starter = (
        "import signal, sys; from pathlib import Path; from tests.servers.process import Process\n"
        "server = Process([sys.executable, '-c', 'import signal; signal.pause()'], Path(sys.argv[1]))\n"
        "server.start(); print(server.pid, flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", starter, tmp_path / "log"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    ) as running:
        assert running.stdout is not None
        server = int(running.stdout.readline())
        assert is_alive(server)
        running.kill()
    wait_for(lambda: not is_alive(server), timeout=20, what="the server to be gone")


def test_ports_that_are_taken_in_the_meantime_are_replaced() -> None:
    tried: list[list[int]] = []

    def launch(ports: list[int]) -> None:
        tried.append(ports)
        if len(tried) < 3:
            raise RuntimeError("listen tcp 127.0.0.1: bind: address already in use")

    launch_on_free_ports(2, launch, lambda: None)
    assert len(tried) == 3
    assert all(len(set(ports)) == 2 for ports in tried)


def test_any_other_failure_to_launch_is_told_at_once() -> None:
    tried: list[int] = []

    def launch(ports: list[int]) -> None:
        tried.extend(ports)
        raise RuntimeError("no such disk")

    with pytest.raises(RuntimeError, match="no such disk"):
        launch_on_free_ports(1, launch, lambda: None)
    assert len(tried) == 1
