"""Commands that ask a cluster: connects, asks its controller, and is done. Knows no option of any command.

Imported only where a cluster is asked: what it needs is not part of the light install.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from sealbridge.errors import UsageError
from sealbridge_cli import console

if TYPE_CHECKING:
    from sealbridge.kube.controller_access import Controller
    from sealbridge.kube.kubeconfig import Overrides

_Result = TypeVar("_Result")


@contextmanager
def extra_named() -> Iterator[None]:
    """Raise UsageError that names the extra to install where an import finds no package of it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "sealbridge":
            raise
        raise UsageError(
            f"asking a cluster needs the package {error.name}", hint="pip install 'sealbridge[cluster]'"
        ) from None


def ask(
    question: Callable[[Controller], Awaitable[_Result]],
    *,
    kubeconfig: str | None = None,
    overrides: Overrides | None = None,
    place: tuple[str, str] = ("", ""),
    timeout: float | None = None,
) -> _Result:
    """What `question` gets from the controller. `place` is its namespace and name, empty where not given.

    Raises SealbridgeError; UsageError names the package that is missing.
    """
    with extra_named():
        import asyncio

        from sealbridge.kube.config import connect_person
        from sealbridge.kube.controller_access import Controller, Place
    connection = connect_person(kubeconfig, overrides)

    async def asked() -> _Result:
        async with Controller(
            connection, place=Place(*place), note=console.note, timeout=timeout
        ) as controller:
            return await question(controller)

    return asyncio.run(asked())
