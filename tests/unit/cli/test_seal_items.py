"""Secrets without a manifest, and the certificate that everything is sealed with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from sealbridge.sealing.keys import SealingKey
from tests.unit.cli.conftest import PLAIN, Run

NEW = ["--name", "db", "-n", "shop"]


def items(run: Run, key: str, text: str) -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load(run("unseal", "--key", key, stdin=text).out)["data"]
    return found


def test_items_of_all_kinds_make_one_secret(run: Run, cert: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\n")
    (tmp_path / "env").write_text("e=5\n")
    outcome = run(
        *("seal", "--cert", cert, *NEW, "--from-literal", "l=x", "--from-file", "f=file"),
        *("--from-env-file", "env", "--from-stdin", "s", "--type", "example.com/t"),
        *("--label", "app=shop", "--annotation", "note=a=b", "--scope", "namespace-wide"),
        stdin="of stdin\n",
    )
    assert (outcome.code, outcome.err) == (0, "")
    sealed = yaml.safe_load(outcome.out)
    assert sealed["spec"]["template"]["type"] == "example.com/t"
    assert sealed["spec"]["template"]["metadata"]["labels"] == {"app": "shop"}
    assert sealed["spec"]["template"]["metadata"]["annotations"]["note"] == "a=b"
    assert items(run, key, outcome.out) == {"l": "eA==", "f": "/wo=", "e": "NQ==", "s": "b2Ygc3RkaW4K"}


def test_the_password_of_a_registry_may_come_from_stdin(run: Run, cert: str, key: str) -> None:
    docker = ["--docker-username", "u", "--docker-server", "r"]
    given = run("seal", "--cert", cert, *NEW, *docker, "--docker-password", "pass word")
    piped = run("seal", "--cert", cert, *NEW, *docker, "--docker-password-stdin", stdin="pass word\n")
    assert items(run, key, given.out) == items(run, key, piped.out)


@pytest.mark.parametrize(
    ("options", "code", "error"),
    [
        (["--from-literal", "a=b"], 2, "a new Secret needs a name"),
        ([*NEW, "--from-literal", "a=b", "-f", "x"], 2, "items are given and files as well"),
        (
            [*NEW, "--from-literal", "a=hunter2", "--from-literal", "hunter2"],
            1,
            "--from-literal number 2: a lit",
        ),
        (["--type", "x"], 2, "--type, --label and --annotation are for a new Secret"),
        ([*NEW, "--tls-cert", "x"], 2, "--tls-cert and --tls-key belong together"),
        ([*NEW, "--tls-cert", "x", "--docker-username", "u"], 2, "for TLS or for Docker, not both"),
        ([*NEW, "--docker-username", "u"], 2, "a Docker Secret needs"),
        (
            [*NEW, "--docker-username", "u", "--docker-password", "p", "--type", "Opaque"],
            2,
            "leave --type out",
        ),
        (
            [*NEW, "--from-stdin", "a", "--docker-username", "u", "--docker-password-stdin"],
            2,
            "stdin gives one",
        ),
        ([*NEW, "--from-stdin", "a/b"], 1, "'a/b' is not an item key that Kubernetes takes"),
        ([*NEW, "--from-stdin", ""], 1, "'' is not an item key"),
        ([*NEW, "--from-file", "big"], 1, "big: it is larger than 64 MiB"),
        (["--name", "BAD", "-n", "a", "--from-literal", "a=b"], 1, "metadata.name is not a name"),
        (["--name", "db", "--from-literal", "a=b"], 1, "the Secret has no namespace"),
        ([*NEW, "--label", "x", "--from-literal", "a=b"], 2, "it is not key=value"),
    ],
)
def test_wrong_options_are_refused_without_a_value(
    run: Run, cert: str, tmp_path: Path, options: list[str], code: int, error: str
) -> None:
    big = tmp_path / "big"
    with big.open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)
    outcome = run("seal", "--cert", cert, *options, stdin="hunter2")
    big.unlink()
    assert (outcome.code, outcome.out) == (code, "")
    assert error in outcome.err
    assert "hunter2" not in outcome.err


def test_more_than_kubernetes_takes_is_said(run: Run, cert: str) -> None:
    outcome = run("seal", "--cert", cert, *NEW, "--from-stdin", "a", stdin="x" * (1024 * 1024 + 1))
    assert outcome.code == 0
    assert outcome.err.startswith("warning: the values are more than 1 MiB together")


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `aged` puts certificates; warnings of their age are on."""
    monkeypatch.delenv("SEALBRIDGE_RENEW_PERIOD")
    return tmp_path / "aged.pem"


def aged(path: Path, *, days: float, valid_days: int = 3650) -> None:
    made = SealingKey.generate(at=datetime.now(UTC) - timedelta(days=days), bits=2048, valid_days=valid_days)
    path.write_bytes(made.certificate.pem)


@pytest.mark.parametrize(
    ("days", "options", "variable", "warning"),
    [
        (29.9, [], "", ""),
        (30.1, [], "", "warning: the certificate is 30 days old, and keys are renewed every 30 days: "),
        (31, ["--renew-period", "31d12h"], "", ""),
        (31, ["--renew-period", "0"], "", ""),
        (1.5, ["--renew-period", "24h"], "", "warning: the certificate is 1 days old, and keys are renewed"),
        (31, [], "60d", ""),
        (31, [], "0", ""),
        (31, ["--renew-period", "1d"], "60d", "warning: the certificate is 31 days old"),
        (-2, [], "", "warning: the certificate is not valid before "),
    ],
)
def test_an_old_certificate_and_a_young_one_are_warned_of(
    run: Run,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: float,
    options: list[str],
    variable: str,
    warning: str,
) -> None:
    aged(certificate, days=days)
    monkeypatch.setenv("SEALBRIDGE_RENEW_PERIOD", variable)
    outcome = run("seal", "--cert", str(certificate), *options, stdin=PLAIN)
    assert outcome.code == 0
    assert outcome.err.startswith(warning) if warning else outcome.err == ""
    assert len(outcome.err.splitlines()) == bool(warning)


def test_an_expired_certificate_is_taken_when_one_insists(
    run: Run, certificate: Path, tmp_path: Path
) -> None:
    aged(certificate, days=40, valid_days=10)
    for command in (
        ["seal"],
        ["seal-value", *NEW],
        ["seal", "-i", "-f", "s.yaml"],
    ):
        (tmp_path / "s.yaml").write_text(PLAIN)
        refused = run(*command, "--cert", str(certificate), stdin=PLAIN)
        assert refused.code == 1
        assert refused.err.startswith("error: the certificate expired on ")
        insisted = run(*command, "--cert", str(certificate), "--allow-expired", stdin=PLAIN)
        assert insisted.code == 0
        assert insisted.err.startswith("warning: the certificate expired on ")


def test_a_renewal_period_that_is_none_is_refused(
    run: Run, cert: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("seal", "--cert", cert, "--renew-period", "monthly", stdin=PLAIN).code == 2
    monkeypatch.setenv("SEALBRIDGE_RENEW_PERIOD", "monthly")
    outcome = run("seal", "--cert", cert, stdin=PLAIN)
    assert outcome.code == 2
    assert outcome.err.startswith("error: SEALBRIDGE_RENEW_PERIOD: it is not a length of time")
