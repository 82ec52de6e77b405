"""Options of commands that ask the controller of a cluster, and the asking. Imports it only then."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sealbridge.errors import UsageError
from sealbridge_cli import options

if TYPE_CHECKING:
    from sealbridge.kube.controller_access import Controller

_Result = TypeVar("_Result")
_DEFAULT_NAMESPACE, _DEFAULT_NAME = "kube-system", "sealed-secrets-controller"


def add_options(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Declare --server, which is for `purpose`, and what says which server."""
    group = parser.add_argument_group("the controller of a cluster")
    group.add_argument("--server", action="store_true", help=purpose)
    group.add_argument(
        "--kubeconfig", metavar="FILE", help="the kubeconfig (default: $KUBECONFIG, ~/.kube/config)"
    )
    group.add_argument("--context", metavar="NAME", help="the context in it (default: the current one)")
    group.add_argument(
        "--controller-namespace",
        type=options.namespace,
        metavar="NS",
        help=f"where the controller is (default: {_DEFAULT_NAMESPACE}, else it is looked for)",
    )
    group.add_argument("--controller-name", metavar="NAME", help=f"its Service (default: {_DEFAULT_NAME})")


def check_usage(args: argparse.Namespace) -> None:
    """Raise UsageError where the other options are given without --server."""
    if args.server:
        return
    for name in ("kubeconfig", "context", "controller_namespace", "controller_name"):
        if getattr(args, name):
            raise UsageError(f"--{name.replace('_', '-')} is for --server", hint="give both, or neither")


def ask(question: Callable[[Controller], Awaitable[_Result]], args: argparse.Namespace) -> _Result:
    """What the controller says. Raises SealbridgeError."""
    from sealbridge.kube.kubeconfig import Overrides
    from sealbridge_cli import cluster

    return cluster.ask(
        question,
        kubeconfig=args.kubeconfig,
        overrides=Overrides(context=args.context or ""),
        place=(args.controller_namespace or "", args.controller_name or ""),
    )


Call = Callable[[Callable[["Controller"], Awaitable[Any]]], Any]


def with_controller(work: Callable[[Call], _Result], args: argparse.Namespace) -> _Result:
    """What `work` makes of a function that asks the controller, as often as it likes, over one connection."""
    import asyncio

    async def run(controller: Controller) -> _Result:
        loop = asyncio.get_running_loop()

        def call(question: Callable[[Controller], Awaitable[Any]]) -> Any:
            async def asked() -> Any:
                return await question(controller)

            return asyncio.run_coroutine_threadsafe(asked(), loop).result()

        return await asyncio.to_thread(work, call)

    return ask(run, args)
