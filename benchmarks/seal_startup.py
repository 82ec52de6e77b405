"""Sealing one Secret with a local certificate, against the bare start of Python in the same run.

Run with `python -m benchmarks.seal_startup`. All programs run in turns, so that a machine that is
slower for a while is so for all of them, with their bytecode cached, as an installed package has it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import Row, median, table
from sealbridge.sealing.keys import SealingKey

ROUNDS = 21
TARGET = 12.0

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: shop
stringData:
  user: app
  password: correct horse battery staple
"""

# What one would write in an afternoon, with the libraries that come to mind.
NAIVE = """\
import base64, os, struct
import click, yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

@click.command()
@click.option("--cert", type=click.File("rb"))
@click.option("-f", "file", type=click.File())
def seal(cert, file):
    key = x509.load_pem_x509_certificate(cert.read()).public_key()
    secret = yaml.load(file, yaml.CSafeLoader)
    meta = secret["metadata"]
    label = f"{meta['namespace']}/{meta['name']}".encode()
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=label)
    data = {}
    for name, value in secret["stringData"].items():
        session = os.urandom(32)
        wrapped = key.encrypt(session, oaep)
        sealed = AESGCM(session).encrypt(bytes(12), value.encode(), None)
        data[name] = base64.b64encode(struct.pack(">H", len(wrapped)) + wrapped + sealed).decode()
    document = {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": meta,
                "spec": {"encryptedData": data, "template": {"metadata": meta}}}
    click.echo(yaml.dump(document, Dumper=yaml.CSafeDumper))

seal()
"""


def measure() -> list[Row]:
    """Medians in milliseconds, and how many starts of bare Python each takes."""
    with tempfile.TemporaryDirectory() as folder:
        times = _times(_commands(Path(folder)), Path(folder) / "bytecode")
    bare = median(times["python3 -c pass"])
    rows = []
    for name, taken in times.items():
        middle = median(taken)
        rows.append(Row(name, middle * 1000, "ms", f"median of {ROUNDS}"))
        if name != "python3 -c pass":
            note = f"aim: at most {TARGET:g}" if name.startswith("sealbridge") else "for comparison"
            rows.append(Row(f"{name}, in bare starts", middle / bare, "x", note))
    return rows


def _commands(folder: Path) -> dict[str, list[str]]:
    key = SealingKey.generate(at=datetime.now(UTC))
    (folder / "cert.pem").write_bytes(key.certificate.pem)
    (folder / "secret.yaml").write_text(SECRET)
    options = ["--cert", str(folder / "cert.pem"), "-f", str(folder / "secret.yaml")]
    script = Path(sys.executable).with_name("sealbridge")
    commands = {
        "python3 -c pass": [sys.executable, "-c", "pass"],
        "sealbridge seal": [sys.executable, str(script), "seal", *options],
    }
    if importlib.util.find_spec("click") is not None:
        (folder / "naive.py").write_text(NAIVE)
        commands["a naive script"] = [sys.executable, str(folder / "naive.py"), *options]
    return commands


def _times(commands: dict[str, list[str]], bytecode: Path) -> dict[str, list[float]]:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    times: dict[str, list[float]] = {name: [] for name in commands}
    # The first two rounds compile and warm the caches.
    for number in range(-2, ROUNDS):
        for name, command in commands.items():
            begin = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
            if number >= 0:
                times[name].append(time.perf_counter() - begin)
    return times


if __name__ == "__main__":
    print(table(measure()))
