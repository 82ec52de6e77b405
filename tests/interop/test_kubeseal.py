"""What `sealbridge kubeseal` writes: its bytes against kubectl's, its ciphertext against other openers.

kubectl and kubeseal share the libraries that write YAML and JSON.
"""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest
from kubesealpy.scopes import SealingScope
from kubesealpy.unsealer import Unsealer

from sealbridge_cli.kubeseal import encoding
from sealbridge_cli.main import main
from tests.interop.test_sealing import node
from tests.sealing_keys import sealing_key
from tests.servers.apiserver import kubectl_program

TEXTS = {
    "long": "word " * 40 + "end",
    "long-quoted": "key: " + "word " * 30,
    "one-word": "A" * 300,
    "a10": "1",
    "a2": "2026-01-01",
    "a02": "2026-1-1T10:00:00Z",
    "a-b": "12:30",
    "a_b": "190:20:30",
    "a.b": "1_000",
    "A": "yes",
    "tilde": "~",
    "markup": "a<b>&c",
    "lines": "a\nb\n",
    "lines-cut": "a\nb",
    "lines-more": "a\n\n\n",
    "lines-indented": "  a\nb",
    "lines-tab": "a\n\tb\n",
    "lines-end-in-space": "a \nb\n",
    "lines-returns": "a\r\nb",
    "blank-behind": "a ",
    "blank-before": " a",
    "colon": "a: b",
    "hash": "a #b",
    "empty": "",
    "at": "@x",
    "percent": "%a",
    "star": "*a",
    "and": "&a",
    "octal": "0o14",
    "old-octal": "014",
    "hex": "0x1F",
    "float": "1e3",
    "dot": ".5",
    "infinity": ".inf",
    "dash": "- a",
    "question": "? a",
    "quote": "it's",
    "quotes": 'say "x"',
    "all-quoted": "'a'",
    "unicode": "ä☺\U0001f600",
    "tab": "a\tb",
    "y": "y",
    "equals": "=",
    "merge": "<<",
    "null": "null",
    "x_y": "a:b",
    "bracket": "[a]",
    "brace": "{a}",
    "tick": "`a",
    "bang": "!a",
    "pipe": "|",
    "greater": "> x",
    "comma": "a, b",
    "nbsp": "a\u00a0b",
    "separator": "a\u2028b",
    "json": '{"a": [1, "b"]}',
    "base64": "YWJjZA==",
    "dashes": "---",
    "dots": "...",
}
# Go's order is none where digits before letters meet letters and other numbers: such keys are left out.
KEYS = "k10 k9 k_1 k-1 k.1 K 01 1 a1b a01b ab a a0 a00 a9b 100 20 a1.5 a1.10 Z z".split()  # noqa: SIM905


def manifest() -> dict[str, object]:
    return {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "x", "labels": {"l": "b"}, "annotations": TEXTS},
        "data": dict.fromkeys(KEYS, "YQ=="),
        "type": "Opaque",
    }


def kubectl(format_: str) -> str:
    """The manifest as kubectl writes it, with a label that it had already."""
    return subprocess.run(
        [kubectl_program(), "label", "--local", "-f", "-", "-o", format_, "l=b", "--overwrite"],
        input=json.dumps(manifest()),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_yaml_is_that_of_kubectl() -> None:
    ours = encoding.encode([encoding.secret(manifest())], "yaml").removeprefix("---\n")
    assert ours.splitlines(keepends=True) == kubectl("yaml").splitlines(keepends=True)


def test_strings_and_keys_of_json_are_those_of_kubectl() -> None:
    ours = encoding.encode([encoding.secret(manifest())], "json").splitlines()
    # kubectl prints unstructured objects, so that its fields are sorted, and indents by four.
    assert sorted(line.strip(" ,") for line in ours) == sorted(
        line.strip(" ,") for line in kubectl("json").splitlines()
    )


@pytest.mark.parametrize(
    ("flags", "scope", "label"),
    [
        (["--name=db", "-n=shop"], SealingScope.STRICT, b"shop/db"),
        (["--scope=namespace-wide", "-n=shop"], SealingScope.NAMESPACE_WIDE, b"shop"),
        (["--scope=cluster-wide"], SealingScope.CLUSTER_WIDE, b""),
    ],
)
def test_raw_values_open_elsewhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], flags: list[str], scope: SealingScope, label: bytes
) -> None:
    key = sealing_key()
    (tmp_path / "cert.pem").write_bytes(key.certificate.pem)
    (tmp_path / "value").write_bytes(b"correct horse\n")
    cert, file = f"--cert={tmp_path / 'cert.pem'}", f"--from-file={tmp_path / 'value'}"
    assert main(["kubeseal", "--raw", cert, file, *flags]) == 0
    sealed = capfd.readouterr().out
    unsealer = Unsealer.from_private_key(key.private_key)
    value = unsealer.unseal_value(base64.b64decode(sealed), namespace="shop", name="db", scope=scope)
    assert value == b"correct horse\n"
    opened = node(
        "open.mjs",
        key=key.private_pem.reveal().decode(),
        label=base64.b64encode(label).decode(),
        envelope=sealed,
    )
    assert base64.b64decode(opened) == b"correct horse\n"
