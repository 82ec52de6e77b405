"""`sealbridge kubeseal` in this process, on a machine that knows no cluster."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Outcome, Run


@pytest.fixture
def kubeseal(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`kubeseal("--cert", ..., stdin=...)`."""
    for name in [*os.environ]:
        if name.startswith("SEALED_SECRETS_") or name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def kubeseal_(*arguments: str, stdin: str | bytes = "") -> Outcome:
        return run("kubeseal", *arguments, stdin=stdin)

    return kubeseal_


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig whose context is in the namespace `team`."""
    path = tmp_path / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "current-context": "c",
                "contexts": [
                    {"name": "c", "context": {"cluster": "k", "namespace": "team"}},
                    {"name": "bare", "context": {"cluster": "k"}},
                ],
                "clusters": [{"name": "k", "cluster": {"server": "https://10.1.2.3"}}],
            }
        )
    )
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def secret(**changes: Any) -> str:
    """The manifest of a Secret `db` in `shop`; None takes a field out."""
    metadata = {"name": "db", "namespace": "shop"} | changes.pop("metadata", {})
    obj = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {key: value for key, value in metadata.items() if value is not None},
        "stringData": {"password": "correct horse"},
    } | changes
    return json.dumps({key: value for key, value in obj.items() if value is not None})
