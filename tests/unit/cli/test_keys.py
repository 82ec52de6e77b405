from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from sealbridge.lifecycle.key_files import read_keyring
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.keys import SealingKey
from tests.sealing_keys import MADE, sealing_key
from tests.unit.cli.conftest import PLAIN, Run


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_key_and_its_certificate_are_made(run: Run, tmp_path: Path) -> None:
    outcome = run(
        "keys", "init", "--dir", "a/keys", "--size", "2048", "--namespace", "seal", "--valid-days", "9"
    )
    assert (outcome.code, outcome.out) == (0, "")
    directory = tmp_path / "a" / "keys"
    (manifest,) = directory.glob("sealing-key-*.yaml")
    assert {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()} == {
        manifest.name: 0o600,
        "cert.pem": 0o644,
    }
    assert directory.stat().st_mode & 0o777 == 0o700
    certificate = Certificate.from_pem((directory / "cert.pem").read_bytes())
    assert (certificate.key_size, (certificate.not_after - certificate.not_before).days) == (2048, 9)
    assert f"fingerprint  {certificate.fingerprint}\n" in outcome.err
    secret = yaml.safe_load(manifest.read_text())
    assert secret["metadata"]["namespace"] == "seal"
    assert secret["metadata"]["name"].startswith("sealed-secrets-key")
    assert secret["metadata"]["labels"] == {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}
    assert read_keyring([directory]).current.certificate == certificate


def test_what_is_sealed_with_the_new_certificate_opens_with_the_new_key(run: Run) -> None:
    assert run("keys", "init", "--dir", "keys", "--size", "2048").code == 0
    sealed = run("seal", "--cert", "keys/cert.pem", stdin=PLAIN)
    opened = run("unseal", "--key", "keys", stdin=sealed.out)
    assert yaml.safe_load(opened.out)["data"] == {"password": "Y29ycmVjdCBob3JzZQ=="}


def test_a_second_run_fails_and_changes_nothing(run: Run, tmp_path: Path) -> None:
    assert run("keys", "init", "--dir", "keys", "--size", "2048").code == 0
    before = contents(tmp_path / "keys")
    outcome = run("keys", "init", "--dir", "keys", "--size", "2048")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: keys: there is a sealing key already: sealing-key-")
    assert "\nhint: choose another directory" in outcome.err
    assert contents(tmp_path / "keys") == before


def test_a_certificate_that_is_there_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "cert.pem").write_text("somebody's")
    assert run("keys", "init", "--dir", "keys", "--size", "2048").code == 1
    assert contents(tmp_path / "keys") == {"cert.pem": b"somebody's"}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--size", "1024"], "the RSA key has 1024 bits; 2048 to 8192 are supported"),
        (["--valid-days", "0"], "a certificate cannot be valid for 0 days"),
        (
            ["-n", "Not.One"],
            "argument --namespace/-n: it is not a namespace that Kubernetes takes: 'Not.One'",
        ),
    ],
)
def test_what_cannot_be_made_leaves_nothing_behind(
    run: Run, tmp_path: Path, options: list[str], error: str
) -> None:
    outcome = run("keys", "init", "--dir", "keys", *options)
    assert outcome.code == 2
    assert error in outcome.err
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("directory", ["file", "file/keys"])
def test_a_directory_that_cannot_be_made_is_named(run: Run, tmp_path: Path, directory: str) -> None:
    (tmp_path / "file").write_text("")
    outcome = run("keys", "init", "--dir", directory, "--size", "2048")
    assert (outcome.code, outcome.err) == (1, f"error: {directory}: cannot write the key: not a directory\n")


def test_a_certificate_is_shown(run: Run, cert: str) -> None:
    certificate = sealing_key().certificate
    outcome = run("cert", "--cert", cert)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "subject:     (empty)",
        f"serial:      {certificate.serial:x}",
        "valid from:  2026-01-01T00:00:00Z",
        f"valid until: {certificate.not_after:%Y-%m-%d}T00:00:00Z",
        "key:         RSA 2048 bits",
        f"fingerprint: {certificate.fingerprint}",
    ]
    facts = json.loads(run("cert", "--cert", cert, "-o", "json").out)
    assert (facts["keySize"], facts["expired"], facts["fingerprint"]) == (
        2048,
        False,
        certificate.fingerprint,
    )
    assert run("cert", "--cert", cert, "--pem").out.encode() == certificate.pem


def test_an_expired_certificate_is_shown_with_a_hint(run: Run, tmp_path: Path) -> None:
    old = SealingKey.generate(at=MADE.replace(year=2020), bits=2048, valid_days=1, common_name="old\x1b[2J")
    (tmp_path / "old.pem").write_bytes(old.certificate.pem)
    outcome = run("cert", "--cert", "old.pem")
    assert outcome.code == 0
    assert "valid until: 2020-01-02T00:00:00Z (expired)\n" in outcome.out
    assert "\x1b" not in outcome.out
    assert outcome.err == "hint: the certificate has expired: nothing can be sealed with it\n"
