"""The stage of the demo: a folder, an environment, commands that are printed before they run.

Knows nothing of what is played. No value is ever part of a command: commands name files, so what is
printed can be repeated by hand and shows no secret in a process list.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from sealbridge.errors import SealbridgeError


class Stage:
    """Commands run by `sh` in `folder`; what it starts in the background ends with `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = dict(os.environ)
        # The commands that belong to this installation come first: sealbridge, bao, kubectl.
        self._environment["PATH"] = os.pathsep.join(
            [str(Path(sys.executable).parent), self._environment.get("PATH", os.defpath)]
        )
        self._background: list[subprocess.Popen[bytes]] = []
        self._act = 0

    def act(self, title: str) -> None:
        """Begin the next part."""
        self._act += 1
        self._print(f"\n{self._bold(f'{self._act}. {title}')}")

    def say(self, text: str) -> None:
        """Tell what is going on."""
        self._print(f"   {text}")

    def write(self, name: str, text: str, *, told: str) -> None:
        """Write a file, 0600, below the folder and tell what is in it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        self.say(f"wrote {name}: {told}")

    def export(self, variables: Mapping[str, str]) -> None:
        """Set environment variables for the commands to come; `$(…)` is left to the shell."""
        for name, value in variables.items():
            self._print(self._bold(f"$ export {name}={value}"))
            shown = self._shell(f'printf %s "{value}"', capture=True)
            self._environment[name] = shown.stdout.decode()

    def run(self, command: str, *, expect: int | None = 0) -> None:
        """Print a command, run it, show its output. Raises SealbridgeError on another exit code than
        `expect`; with None, on none."""
        self._print(self._bold(f"$ {command}"))
        done = self._shell(command)
        if expect is not None and done.returncode != expect:
            raise SealbridgeError(f"the command ended with exit code {done.returncode}: {command}")
        if expect:
            self.say(f"(exit code {expect}, as it should be)")

    def read(self, command: str) -> str:
        """The output of a command that is not part of the play."""
        return self._shell(command, capture=True).stdout.decode()

    def start(self, command: str) -> None:
        """Print a command and run it in the background until `close`."""
        self._print(self._bold(f"$ {command} &"))
        self._background.append(
            subprocess.Popen(
                ["sh", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
            )
        )

    def wait(self, ready: Callable[[], bool], *, what: str, seconds: float = 30) -> None:
        """Wait until `ready`. Raises SealbridgeError when that takes too long or a part has died."""
        deadline = time.monotonic() + seconds
        while not ready():
            if any(process.poll() is not None for process in self._background):
                raise SealbridgeError(f"something that was started died while waiting for {what}")
            if time.monotonic() > deadline:
                raise SealbridgeError(f"{what}: not so after {seconds:.0f} seconds")
            time.sleep(0.1)

    def check(self, truth: bool, statement: str) -> None:
        """State what was seen. Raises SealbridgeError when it was not: the demo proves or fails."""
        if not truth:
            raise SealbridgeError(f"this should be true and is not: {statement}")
        self.say(f"✓ {statement}")

    def close(self) -> None:
        """Stop everything that was started, the last one first."""
        while self._background:
            process = self._background.pop()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _shell(self, command: str, *, capture: bool = False) -> subprocess.CompletedProcess[bytes]:
        sys.stdout.flush()
        return subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            # One stream, so that words and data come in their order; a terminal stays one.
            stderr=None if capture else subprocess.STDOUT,
            check=capture,
        )

    def _print(self, text: str) -> None:
        print(text, flush=True)

    def _bold(self, text: str) -> str:
        return f"\033[1m{text}\033[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text


def free_port() -> int:
    """A port of the loopback address that is free, and the one after it (OpenBao takes both)."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def answers(url: str) -> bool:
    """Whether a loopback URL answers with a success; proxies are not asked."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
