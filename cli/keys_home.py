"""Which sealing keys a `keys` command is about: of a directory or of a cluster. Imports it only then."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from sealbridge.errors import UsageError
from sealbridge_cli import options

if TYPE_CHECKING:
    from sealbridge.lifecycle.key_home import KeyHome, Records
    from sealbridge.lifecycle.need import Need

_Result = TypeVar("_Result")
_CLUSTER_OPTIONS = ("kubeconfig", "context", "namespace")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare --dir, and what says which cluster."""
    group = parser.add_argument_group("which keys")
    group.add_argument(
        "--dir",
        type=options.file,
        metavar="DIR",
        help="those of a directory of key manifests (default: those of the cluster)",
    )
    group.add_argument(
        "--kubeconfig", metavar="FILE", help="the kubeconfig (default: $KUBECONFIG, ~/.kube/config)"
    )
    group.add_argument("--context", metavar="NAME", help="the context in it (default: the current one)")
    group.add_argument(
        "-n",
        "--namespace",
        "--controller-namespace",
        type=options.namespace,
        metavar="NS",
        help="the namespace of the controller (default: kube-system or sealbridge, whichever has keys)",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Declare --output."""
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="the format (default: text)"
    )


def add_repositories(parser: argparse.ArgumentParser) -> None:
    """Declare --repo."""
    parser.add_argument(
        "--repo",
        nargs="+",
        action="extend",
        default=[],
        type=options.file,
        metavar="DIR",
        help="working trees whose SealedSecrets count, too",
    )


def has_cluster(args: argparse.Namespace) -> bool:
    """Whether anything says which cluster is meant."""
    import os

    named = any(getattr(args, name) for name in _CLUSTER_OPTIONS)
    told = any(os.environ.get(name) for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"))
    return named or told or os.path.exists(os.path.expanduser("~/.kube/config"))  # noqa: PTH110, PTH111


def with_home(
    args: argparse.Namespace, work: Callable[[KeyHome], Awaitable[_Result]], *, make: bool = False
) -> _Result:
    """What `work` makes of the keys. `make`: the directory need not be there. Raises SealbridgeError."""
    import asyncio

    if args.dir is not None:
        for name in _CLUSTER_OPTIONS:
            if getattr(args, name) and not (name == "namespace" and make):
                raise UsageError(f"--{name} is for a cluster, and --dir for a directory", hint="give one")
        from pathlib import Path

        from sealbridge.local.key_home import DirectoryKeyHome

        async def local() -> _Result:
            return await work(DirectoryKeyHome(Path(args.dir), make=make, namespace=args.namespace or ""))

        return asyncio.run(local())
    try:
        from sealbridge.kube.client import Client
        from sealbridge.kube.config import connect_person
        from sealbridge.kube.key_home import open_home
        from sealbridge.kube.kubeconfig import Overrides
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "sealbridge":
            raise
        raise UsageError(
            f"asking a cluster needs the package {error.name}",
            hint="pip install 'sealbridge[cluster]', or name a directory with --dir",
        ) from None
    connection = connect_person(args.kubeconfig, Overrides(context=args.context or ""))

    async def remote() -> _Result:
        async with Client(connection) as client:
            return await work(await open_home(client, args.namespace))

    return asyncio.run(remote())


async def read(home: KeyHome) -> Records:
    """The keys; those that cannot be read are told of. Raises KeyFileError when there is none at all."""
    from sealbridge.errors import KeyFileError
    from sealbridge.lifecycle.key_home import records_of
    from sealbridge_cli import console

    records = records_of(await home.all_secrets())
    for problem in records.problems:
        console.warning(f"a key is left out: {problem}")
    if not records.keys:
        raise KeyFileError(
            "there is no sealing key", where=home.where, hint="sealbridge keys init --dir DIR makes one"
        )
    return records


async def needed(home: KeyHome, records: Records, args: argparse.Namespace) -> Need:
    """What the SealedSecrets of the cluster and of --repo need."""
    from sealbridge.lifecycle.need import needed as judged
    from sealbridge.lifecycle.need import sealed_below

    found, problems = sealed_below(args.repo)
    return judged([*await home.sealed(), *found], records.keyring, problems)
