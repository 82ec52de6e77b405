"""Sealing a tree of 5,000 files of 3 values in one run, against the bare cryptography of it.

Run with `python -m benchmarks.seal_tree`. The limit is the same number of RSA-OAEP and AES-GCM
operations with the same key in a loop that does nothing else, measured between the runs. The tree is sealed
into one file, where it stands, and once more with nothing to do.
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

FILES, VALUES, VALUE_LENGTH = 5000, 3, 32
FOLDERS = 100
ROUNDS = 3
TARGET = 6.0


def measure() -> list[Row]:
    """Medians in seconds, and how many times the limit the command takes."""
    key = SealingKey.generate(at=datetime.now(UTC))
    limits, in_one_file, in_place, again = [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cert.pem").write_bytes(key.certificate.pem)
        environment = {
            **os.environ,
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
            "SEALBRIDGE_CACHE_DIR": str(folder / "cache"),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        script = Path(sys.executable).with_name("sealbridge")
        command = [sys.executable, str(script), "seal", "--cert", "cert.pem", "-r", "-f", "tree"]

        def seal(*options: str) -> None:
            subprocess.run(
                [*command, *options], check=True, env=environment, cwd=folder, stderr=subprocess.DEVNULL
            )

        _plant(folder / "tree")
        seal("-w", os.devnull)
        for _ in range(ROUNDS):
            limits.append(_taken(lambda: _seal_bare(key.certificate)))
            _plant(folder / "tree")
            in_one_file.append(_taken(lambda: seal("-w", "sealed.yaml")))
            in_place.append(_taken(lambda: seal("--in-place")))
            again.append(_taken(lambda: seal("--in-place")))
            if (folder / "sealed.yaml").read_text().count("kind: SealedSecret") != FILES:
                raise RuntimeError("not all files were sealed into one")
            if any(
                "kind: SealedSecret" not in path.read_text() for path in (folder / "tree").rglob("*.yaml")
            ):
                raise RuntimeError("not all files were sealed in place")
            (folder / "sealed.yaml").unlink()
    limit, one, place = median(limits), median(in_one_file), median(in_place)
    return [
        Row(f"RSA-4096 and AES alone, {FILES * VALUES} values", limit, "s", f"median of {ROUNDS}"),
        Row(f"sealbridge seal -r -w, {FILES} files of {VALUES}", one, "s", "one run, start included"),
        Row("sealing a tree into one file, in bare RSA time", one / limit, "x", f"aim: at most {TARGET:g}"),
        Row(f"sealbridge seal -r --in-place, {FILES} files", place, "s", "every file replaced and synced"),
        Row("sealing a tree in place, in bare RSA time", place / limit, "x", f"aim: at most {TARGET:g}"),
        Row("a file, in place", place / FILES * 1000, "ms"),
        Row("the same with nothing to do", median(again), "s", "all of it is sealed already"),
    ]


def _plant(tree: Path) -> None:
    """The plain files, written over those of the round before."""
    for number in range(FILES):
        folder = tree / f"team-{number % FOLDERS}"
        folder.mkdir(parents=True, exist_ok=True)
        items = "".join(f"  item-{item}: {os.urandom(VALUE_LENGTH // 2).hex()!r}\n" for item in range(VALUES))
        (folder / f"secret-{number}.yaml").write_text(
            f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: secret-{number}\n  namespace: bench\n"
            f"stringData:\n{items}"
        )


def _seal_bare(certificate: Certificate) -> None:
    for _ in range(FILES * VALUES):
        envelope.seal(bytes(VALUE_LENGTH), certificate, b"bench/secret")


def _taken(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    print(table(measure()))
