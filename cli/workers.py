"""One function for many things, on all processors when it is worth it. Results come in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

_Thing = TypeVar("_Thing")
_Result = TypeVar("_Result")

# Starting processes takes as long as sealing some hundred files.
_WORTH_IT = 400
_AT_ONCE = 32

_function: Callable[[Any], Any] | None = None


def in_order(
    function: Callable[[_Thing], _Result], things: Sequence[_Thing], *, worth_it: int = _WORTH_IT
) -> Iterator[_Result]:
    """The results of all. What processes send back is pickled: no secret value may be in it."""
    workers = min(len(os.sched_getaffinity(0)), 8)
    if len(things) < worth_it or workers < 2:
        yield from map(function, things)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    global _function  # what a process inherits when it is forked, keys and all
    _function = function
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("fork"), initializer=_quiet) as pool:
            yield from pool.map(_call, things, chunksize=_AT_ONCE)
    finally:
        _function = None


def _quiet() -> None:
    """An interrupt is for the process that people started; it ends the others."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _call(thing: Any) -> Any:
    assert _function is not None  # noqa: S101 - set before the fork
    return _function(thing)
