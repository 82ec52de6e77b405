"""Runs `sealbridge` and kills it, as `kill -9` does, just before a step that leaves a trace.

`python -m tests.killed NUMBER ARGUMENT...`. NUMBER counts the steps: calls that change files, and
requests that change a cluster, before and after; a run that needs fewer ends by itself.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from sealbridge.kube.client import Client
from sealbridge_cli.main import main

_FILES = ("fsync", "link", "replace", "unlink", "mkdir")


class _Steps:
    def __init__(self, number: int) -> None:
        self._left = number

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.step()
            return function(*arguments, **named)

        return call


def _run(number: int, arguments: list[str]) -> int:
    steps = _Steps(number)
    for name in _FILES if "--dir" in arguments else ():
        setattr(os, name, steps.counted(getattr(os, name)))
    send = Client._send

    async def counted(self: Client, verb: str, *more: Any, **named: Any) -> Any:
        if verb != "GET":
            steps.step()
        answer = await send(self, verb, *more, **named)
        if verb != "GET":
            steps.step()
        return answer

    Client._send = counted  # type: ignore[method-assign]
    return main(arguments)


if __name__ == "__main__":
    sys.exit(_run(int(sys.argv[1]), sys.argv[2:]))
