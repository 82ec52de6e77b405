"""A server process: started, awaited, stopped or killed, its output in a file. Knows no particular server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# Ends what its parent started when the parent goes without doing so itself (kill -9, a crash): its standard
# input closes then, and whoever is still on its list is killed.
_LEASH = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
held = set()
for line in sys.stdin:
    verb, pid = line.split()
    (held.add if verb == "hold" else held.discard)(int(pid))
for pid in held:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


class Leash:
    """Holds the processes of this one, so that none outlives it however it ends."""

    def __init__(self) -> None:
        self._watcher: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def hold(self, pid: int) -> None:
        """Kill the process when this one ends."""
        self._tell("hold", pid)

    def release(self, pid: int) -> None:
        """Forget a process that has ended: its number may be given to another."""
        self._tell("release", pid)

    def _tell(self, verb: str, pid: int) -> None:
        with self._lock:
            if self._watcher is None:
                self._watcher = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _LEASH],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    text=True,
                    start_new_session=True,
                )
            pipe = self._watcher.stdin
            assert pipe is not None
            pipe.write(f"{verb} {pid}\n")
            pipe.flush()


_LEASHED = Leash()


class Process:
    """One program that runs in the background, its output appended to `log`."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """`environment` is added to this process's own; `folder` is where the program runs."""
        self.argv = [str(part) for part in argv]
        self.name = Path(self.argv[0]).name
        self.log = log
        self.environment = dict(environment or {})
        self.folder = folder
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; nothing is awaited."""
        if self.is_running:
            raise RuntimeError(f"{self.name} runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._running = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                cwd=self.folder,
                start_new_session=True,
            )
        _LEASHED.hold(self._running.pid)

    @property
    def is_running(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def pid(self) -> int:
        """The process's number; RuntimeError when it was never started."""
        return self._started().pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs, negative when a signal ended it."""
        return self._started().poll()

    def wait(self, timeout: float) -> int:
        """The exit code, once it has ended by itself; subprocess.TimeoutExpired after `timeout` seconds."""
        code = self._started().wait(timeout)
        _LEASHED.release(self.pid)
        return code

    def stop(self, *, timeout: float = 30, by: signal.Signals = signal.SIGTERM) -> None:
        """End it with a signal, and with SIGKILL when it has not ended after `timeout` seconds."""
        if self._running is None:
            return
        if self.is_running:
            self._running.send_signal(by)
            try:
                self._running.wait(timeout)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait()
        _LEASHED.release(self._running.pid)

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.stop(by=signal.SIGKILL)

    def send(self, which: signal.Signals) -> None:
        """Send it a signal and return at once."""
        self._started().send_signal(which)

    def wait_until(self, ready: Callable[[], bool], *, timeout: float, interval: float = 0.05) -> None:
        """Wait for `ready`; RuntimeError with the end of its output when it ends first or takes too long."""

        def is_ready() -> bool:
            if self._started().poll() is not None:
                raise RuntimeError(f"{self.name} ended with code {self.exit_code}:\n{self.last_output()}")
            return ready()

        try:
            wait_for(is_ready, timeout=timeout, what=f"{self.name} to be ready", interval=interval)
        except TimeoutError as error:
            raise RuntimeError(f"{error}:\n{self.last_output()}") from None

    def last_output(self, lines: int = 30) -> str:
        """The end of what it printed."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _started(self) -> subprocess.Popen[bytes]:
        if self._running is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._running


def wait_for(condition: Callable[[], bool], *, timeout: float, what: str, interval: float = 0.05) -> None:
    """Poll until `condition` holds; TimeoutError naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s for {what}")
        time.sleep(interval)


def launch_on_free_ports(count: int, launch: Callable[[list[int]], None], undo: Callable[[], None]) -> None:
    """Call `launch` with ports, and again with others when one of them was taken in the meantime."""
    for attempt in range(3):
        try:
            return launch(free_ports(count))
        except RuntimeError as error:
            undo()
            if attempt == 2 or "address already in use" not in str(error):
                raise
    return None


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on now, all different."""
    held: list[socket.socket] = []
    try:
        for _ in range(count):
            held.append(socket.socket())
            held[-1].bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def write_private(path: Path, data: bytes) -> Path:
    """Write a file that only its owner may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(data)
    return path
