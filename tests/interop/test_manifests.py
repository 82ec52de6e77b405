"""Plain scalars mean here what they mean to the kubectl that is installed."""

from __future__ import annotations

import json
import subprocess

from sealbridge.kubectl_yaml import resolve
from sealbridge.manifests import dump_yaml, read_documents
from tests.servers.apiserver import kubectl_program

SCALARS = """
y Y n N yes Yes YES yEs no No NO nO on On ON off Off OFF true True TRUE tRUE false False FALSE
~ null Null NULL nULL
0 -0 +0 00 007 012 -012 +012 08 089 0o12 0O12 0o8 0b101 -0b101 0B1 0b2 0x1F 0X1f -0x1f 0xg 0x
1 -1 +1 1_000 1__0 _1 1_ 123456789012345678901234567890
9223372036854775807 -9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616
1.5 -1.5 +1.5 .5 5. . -. +.5 1.5e3 1e3 1E3 1e+3 1e-3 -1e3 1e 1e3.5 1e999 1_0.5 1.2.3 0.0 -0.0
12:30 12:30:45 1:2 190:20:30 2026-01-01 2026-1-1 2026-01-01T00:00:00Z
= << . - + -- a 1a a1 +a -a 0a nan inf .infx .na 1,000 0x1p4 0x1.8p1 1e1_0 + 6e6 deadbeef 12e34 0777 0_7
""".split()  # noqa: SIM905 - two hundred quotes less


def kubectl(manifest: str) -> dict[str, object]:
    """What kubectl makes of a manifest, without a cluster."""
    ended = subprocess.run(
        [kubectl_program(), "label", "--local", "-f", "-", "-o", "json", "sealbridge=test"],
        input=manifest,
        capture_output=True,
        text=True,
        check=True,
    )
    spec: dict[str, object] = json.loads(ended.stdout)["spec"]
    return spec


def comparable(value: object) -> tuple[str, object]:
    """Numbers as floats, for kubectl prints those beyond 63 bits so; a boolean is no number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number", float(value)
    return type(value).__name__, value


HEAD = "apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: x\nspec:\n"


def test_plain_scalars_are_read_as_kubectl_reads_them() -> None:
    scalars = [scalar for scalar in SCALARS if scalar != "-"]  # alone, it begins a list
    manifest = HEAD + "".join(f"  k{number}: {scalar}\n" for number, scalar in enumerate(scalars))
    theirs = kubectl(manifest)
    (document,) = read_documents(manifest.encode(), file="scalars")
    ours = document.obj["spec"]
    different = {
        scalar: (ours[f"k{number}"], theirs[f"k{number}"])
        for number, scalar in enumerate(scalars)
        if comparable(ours[f"k{number}"]) != comparable(theirs[f"k{number}"])
    }
    assert different == {}


def test_strings_written_here_are_the_same_strings_to_kubectl() -> None:
    odd = ["", " ", "a: b", "a #b", "# a", "'", '"', "\\", "a\nb\n", "a\n\n", "\n", "\ta", "é\u2028", "? a"]
    texts = [*SCALARS, *odd, *"{}[]%@`!&*|>,#"]
    spec = {f"k{number}": text for number, text in enumerate(texts)}
    head = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}}
    assert kubectl(dump_yaml([{**head, "spec": spec}])) == spec


def test_most_of_the_scalars_are_no_strings() -> None:
    assert sum(resolve(scalar) is not scalar for scalar in SCALARS) > len(SCALARS) / 2
