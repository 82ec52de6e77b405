"""Sealing a tree of 500 files of 3 values in one process, against the bare cryptography of it.

Run with `python -m benchmarks.seal_tree`. The limit is the same number of RSA-OAEP and AES-GCM
operations with the same key in a loop that does nothing else, measured between the runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import Row, median, table
from sealbridge.sealing import envelope
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.keys import SealingKey

FILES, VALUES, VALUE_LENGTH = 500, 3, 32
ROUNDS = 5
TARGET = 6.0


def measure() -> list[Row]:
    """Medians in seconds, and how many times the limit the command takes."""
    key = SealingKey.generate(at=datetime.now(UTC))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = _prepare(folder, key.certificate)
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def seal_all() -> None:
            subprocess.run(command, check=True, env=environment, cwd=folder)

        seal_all()
        ours, limits = [], []
        for _ in range(ROUNDS):
            limits.append(_taken(lambda: _seal_bare(key.certificate)))
            ours.append(_taken(seal_all))
        sealed = (folder / "sealed.yaml").read_text().count("kind: SealedSecret")
    if sealed != FILES:
        raise RuntimeError(f"{sealed} of {FILES} files were sealed")
    limit, wall = median(limits), median(ours)
    return [
        Row(f"RSA-4096 and AES alone, {FILES * VALUES} values", limit, "s", f"median of {ROUNDS}"),
        Row(f"sealbridge seal -f, {FILES} files of {VALUES}", wall, "s", "one process, start included"),
        Row("sealing a tree, in bare RSA time", wall / limit, "x", f"aim: at most {TARGET:g}"),
        Row("a file", wall / FILES * 1000, "ms"),
    ]


def _prepare(folder: Path, certificate: Certificate) -> list[str]:
    (folder / "cert.pem").write_bytes(certificate.pem)
    names = [f"secret-{number}.yaml" for number in range(FILES)]
    for number, name in enumerate(names):
        items = "".join(f"  item-{item}: {os.urandom(VALUE_LENGTH // 2).hex()!r}\n" for item in range(VALUES))
        (folder / name).write_text(
            f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: secret-{number}\n  namespace: bench\n"
            f"stringData:\n{items}"
        )
    script = Path(sys.executable).with_name("sealbridge")
    return [sys.executable, str(script), "seal", "--cert", "cert.pem", "-w", "sealed.yaml", "-f", *names]


def _seal_bare(certificate: Certificate) -> None:
    for _ in range(FILES * VALUES):
        envelope.seal(bytes(VALUE_LENGTH), certificate, b"bench/secret")


def _taken(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    print(table(measure()))
