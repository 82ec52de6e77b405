"""Options that give items without a manifest, as those of `kubectl create secret`, and what they make."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from sealbridge.errors import ManifestError, SealbridgeError, UsageError
from sealbridge.secret import Secret, Value
from sealbridge_cli import console, options

_LARGEST = 64 * 1024 * 1024  # bytes of one value
_TAKEN = 1024 * 1024  # bytes of all values that Kubernetes takes
_DOCKER = ("docker_server", "docker_username", "docker_password", "docker_password_stdin", "docker_email")


def add_options(parser: argparse.ArgumentParser, *, shortcuts: bool = True) -> None:
    """Declare them; `shortcuts` are those for whole Secrets of a type."""
    group = parser.add_argument_group("items without a manifest")
    group.add_argument(
        "--from-literal",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an item; other users of the machine may see it, and the shell remembers it",
    )
    group.add_argument(
        "--from-file",
        action="append",
        default=[],
        metavar="[KEY=]PATH",
        help="an item from a file, as it is; of a folder, an item for every file",
    )
    group.add_argument(
        "--from-env-file",
        action="append",
        default=[],
        metavar="FILE",
        help="items from lines KEY=VALUE; a KEY alone takes its value from the environment",
    )
    group.add_argument("--from-stdin", metavar="KEY", help="an item from stdin, as it is")
    if not shortcuts:
        return
    group.add_argument("--type", metavar="TYPE", help="the type of the Secret (default: Opaque)")
    group.add_argument(
        "--label", action="append", default=[], type=options.pair, metavar="KEY=VALUE", help="a label of it"
    )
    group.add_argument(
        "--annotation",
        action="append",
        default=[],
        type=options.pair,
        metavar="KEY=VALUE",
        help="an annotation of it",
    )
    group.add_argument("--tls-cert", metavar="FILE", help="a TLS Secret: the certificate, in PEM")
    group.add_argument("--tls-key", metavar="FILE", help="and its private key")
    group.add_argument(
        "--docker-server", metavar="URL", help="the registry of a Docker Secret (default: Docker Hub)"
    )
    group.add_argument("--docker-username", metavar="NAME", help="who logs in there")
    password = group.add_mutually_exclusive_group()
    password.add_argument(
        "--docker-password", metavar="PASSWORD", help="with which password; others may see it here"
    )
    password.add_argument(
        "--docker-password-stdin", action="store_true", help="the password, from stdin: its first line"
    )
    group.add_argument("--docker-email", metavar="ADDRESS", help="the address of the user")


def given(args: argparse.Namespace) -> bool:
    """Whether any option gives an item."""
    return bool(
        args.from_literal
        or args.from_file
        or args.from_env_file
        or args.from_stdin is not None
        or _tls(args)
        or _docker(args)
    )


def secret(args: argparse.Namespace, *, name: str, namespace: str) -> Secret:
    """The Secret that the options make. Raises UsageError or ManifestError."""
    type_ = getattr(args, "type", None) or ""
    labels, annotations = dict(getattr(args, "label", ())), dict(getattr(args, "annotation", ()))
    if _tls(args) and _docker(args):
        raise UsageError("a Secret is for TLS or for Docker, not both", hint="make two of them")
    if _tls(args) or _docker(args):
        from sealbridge.sealing.new_secret import DOCKER_TYPE, TLS_TYPE

        wanted = TLS_TYPE if _tls(args) else DOCKER_TYPE
        if type_ not in ("", wanted):
            raise UsageError(f"these options make a Secret of type {wanted}", hint="leave --type out")
        type_ = wanted
    return Secret(
        name=name, namespace=namespace, items=items(args), type=type_, labels=labels, annotations=annotations
    )


def items(args: argparse.Namespace) -> dict[str, Value]:
    """The items alone, in the order of the options' kinds."""
    from sealbridge.sealing.new_secret import add

    found: dict[str, Value] = {}
    if args.from_stdin is not None and getattr(args, "docker_password_stdin", False):
        raise UsageError("stdin gives one thing", hint="take one of the two from a file")
    if _tls(args):
        _add_tls(args, found)
    if _docker(args):
        _add_docker(args, found)
    for key, data in _from_files(args.from_file):
        add(found, key, data)
    _add_literals(args.from_literal, found)
    for path in args.from_env_file:
        from sealbridge.sealing.new_secret import env_file

        for key, value in env_file(_read(path), os.environ, where=path).items():
            add(found, key, value.reveal())
    if args.from_stdin is not None:
        add(found, args.from_stdin, stdin())
    if sum(map(len, found.values())) > _TAKEN:
        console.warning("the values are more than 1 MiB together, which Kubernetes does not take")
    return found


def stdin() -> bytes:
    """Everything on stdin, as it is."""
    if sys.stdin is None:
        raise UsageError("there is no stdin to read from", hint="give the value in a file")
    if sys.stdin.isatty():
        console.hint("reading the value from the terminal: end with Ctrl-D")
    data = sys.stdin.buffer.read(_LARGEST + 1)
    return _bounded(data, "stdin")


def _tls(args: argparse.Namespace) -> bool:
    return bool(getattr(args, "tls_cert", None) or getattr(args, "tls_key", None))


def _docker(args: argparse.Namespace) -> bool:
    return any(getattr(args, name, None) for name in _DOCKER)


def _add_tls(args: argparse.Namespace, found: dict[str, Value]) -> None:
    from sealbridge.sealing.new_secret import TLS_CERTIFICATE, TLS_KEY, add, check_pair

    if not args.tls_cert or not args.tls_key:
        raise UsageError("--tls-cert and --tls-key belong together", hint="give both")
    certificate, key = _read(args.tls_cert), _read(args.tls_key)
    check_pair(certificate, key)
    add(found, TLS_CERTIFICATE, certificate)
    add(found, TLS_KEY, key)


def _add_docker(args: argparse.Namespace, found: dict[str, Value]) -> None:
    from sealbridge.sealing.new_secret import DOCKER_HUB, DOCKER_ITEM, add, docker_config

    password = args.docker_password or ""
    if args.docker_password_stdin:
        password = stdin().split(b"\n")[0].removesuffix(b"\r").decode("utf-8", "surrogateescape")
    if not args.docker_username or not password:
        raise UsageError(
            "a Docker Secret needs --docker-username and a password",
            hint="give --docker-password-stdin, or --from-file .dockerconfigjson=PATH "
            "with --type kubernetes.io/dockerconfigjson",
        )
    server = args.docker_server if args.docker_server is not None else DOCKER_HUB
    if not server:
        raise UsageError("--docker-server is empty", hint="leave it out for Docker Hub")
    add(found, DOCKER_ITEM, docker_config(server, args.docker_username, password, args.docker_email or ""))


def _add_literals(literals: list[str], found: dict[str, Value]) -> None:
    if literals:
        from sealbridge.sealing.new_secret import add, literal

        for number, source in enumerate(literals, 1):
            try:
                add(found, *literal(source))
            except ManifestError as error:
                raise error.at(f"--from-literal number {number}") from None


def _from_files(sources: list[str]) -> Iterator[tuple[str, bytes]]:
    if not sources:
        return
    from sealbridge.sealing.new_secret import file_source

    for source in sources:
        key, path = file_source(source)
        if os.path.isdir(path):
            if key:
                raise ManifestError("a folder has no one key", where=source, hint="leave the key out")
            for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
                if entry.is_file(follow_symlinks=False):
                    yield entry.name, _read(entry.path)
        else:
            yield key or os.path.basename(path), _read(path)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise SealbridgeError(
            f"cannot read it: {(error.strerror or 'unknown error').lower()}", where=path
        ) from None
    return _bounded(data, path)


def _bounded(data: bytes, where: str) -> bytes:
    if len(data) > _LARGEST:
        raise ManifestError(
            f"it is larger than {_LARGEST >> 20} MiB, and Secrets are 1 MiB at most", where=where
        )
    return data
