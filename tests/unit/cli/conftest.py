"""Runs the command line in this process, as the installed script does."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sealbridge_cli.main import main
from tests.sealing_keys import sealing_key

PLAIN = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: shop
stringData:
  password: correct horse
"""


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """`run("seal", "--cert", ..., stdin=...)` in a directory of its own, without variables of ours."""
    monkeypatch.chdir(tmp_path)
    for name in ("SEALBRIDGE_CERT", "SEALBRIDGE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEALBRIDGE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SEALBRIDGE_RENEW_PERIOD", "0")

    def run_(*arguments: str, stdin: str | bytes = "") -> Outcome:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = main(list(arguments))
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_


@pytest.fixture
def cert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of a certificate whose key is `key`."""
    # The certificates of tests were all made on one day, which is longer ago every day.
    monkeypatch.setenv("SEALBRIDGE_RENEW_PERIOD", "0")
    path = tmp_path / "cert.pem"
    path.write_bytes(sealing_key().certificate.pem)
    return str(path)


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The path of the private key, as PEM."""
    path = tmp_path / "key.pem"
    path.write_bytes(sealing_key().private_pem.reveal())
    return str(path)
