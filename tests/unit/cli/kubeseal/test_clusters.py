"""Which cluster and namespace kubeseal's flags mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealbridge.errors import SealbridgeError
from sealbridge_cli.kubeseal import clusters
from sealbridge_cli.kubeseal.clusters import Namespace, seconds
from sealbridge_cli.kubeseal.flags import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("0", None),
        ("0s", None),
        ("30", 30),
        ("30s", 30),
        ("1m30s", 90),
        ("1.5h", 5400),
        ("250ms", 0.25),
    ],
)
def test_a_timeout_is_a_duration_or_seconds(text: str, expected: float | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["soon", "1x", "1s soon", "s", "-"])
def test_another_timeout_is_refused(text: str) -> None:
    with pytest.raises(SealbridgeError, match="Invalid timeout value"):
        seconds(text)


def test_the_namespace_is_that_of_the_flag_the_context_or_the_pod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "POD_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert clusters.namespace(parse([], {})) == Namespace("", False)
    assert clusters.namespace(parse([], {"SEALED_SECRETS_NAMESPACE": "e"})) == Namespace("e", True)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("POD_NAMESPACE", "pods")
    assert clusters.namespace(parse([], {})) == Namespace("pods", False)
    (tmp_path / "config").write_text(
        '{"current-context": "c", "contexts": [{"name": "c", "context": {"namespace": "of-context"}}]}'
    )
    flags = ["--kubeconfig", str(tmp_path / "config")]
    assert clusters.namespace(parse(flags, {})) == Namespace("of-context", False)
    assert clusters.namespace(parse([*flags, "-n", "mine"], {})) == Namespace("mine", True)


def test_secrets_of_flags_do_not_show(tmp_path: Path) -> None:
    made = clusters.overrides(parse(["--token=hunter2", "--password=hunter3", "--as-group=a"], {}))
    assert "hunter" not in repr(made)
    assert made.token is not None
    assert made.token.reveal() == b"hunter2"
    assert made.as_groups == ("a",)
