"""Items without a manifest have the bytes that kubectl gives them, and what it refuses is refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.sealed_secret import SealedSecret
from sealbridge_cli.main import main
from tests.sealing_keys import sealing_key
from tests.servers.apiserver import kubectl_program


class Made(NamedTuple):
    """Type and items; None when it was refused."""

    type: str
    items: dict[str, bytes]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEALBRIDGE_RENEW_PERIOD", "0")
    monkeypatch.setenv("SEALBRIDGE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("FROM_ENVIRONMENT", "out there")
    (tmp_path / "cert.pem").write_bytes(sealing_key().certificate.pem)
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "bad name!").write_bytes(b"x")
    (tmp_path / "many" / "below").mkdir(parents=True)
    for name in ("one", "two.txt", ".hidden"):
        (tmp_path / "many" / name).write_text(f"{name}\n")
    (tmp_path / "many" / "link").symlink_to("one")
    (tmp_path / "many" / "below" / "deep").write_text("no")
    return tmp_path


def kubectl(*arguments: str, kind: str = "generic") -> Made | None:
    ended = subprocess.run(
        [
            kubectl_program(),
            "create",
            "secret",
            kind,
            "db",
            "-n",
            "shop",
            "--dry-run=client",
            "-o",
            "yaml",
            *arguments,
        ],
        capture_output=True,
        check=False,
        env={**os.environ, "KUBECONFIG": os.devnull},
    )
    return _made(yaml.safe_load(ended.stdout)) if ended.returncode == 0 else None


def _made(obj: dict[str, Any]) -> Made:
    import base64

    items = {key: base64.b64decode(text) for key, text in (obj.get("data") or {}).items()}
    return Made(obj.get("type") or "Opaque", items)


def ours(*arguments: str) -> Made | None:
    code = main(["seal", "--cert", "cert.pem", "--name", "db", "-n", "shop", "-w", "out.yaml", *arguments])
    if code:
        return None
    sealed = SealedSecret.from_manifest(yaml.safe_load(Path("out.yaml").read_text()))
    opened = unseal_items(sealed, Keyring([sealing_key()]))
    return Made(sealed.template.type or "Opaque", {key: value.reveal() for key, value in opened.items()})


GENERIC = [
    ["--from-literal=a=b"],
    ["--from-literal=a=b=c"],
    ["--from-literal=a="],
    ["--from-literal=a='b'"],
    ['--from-literal=a="it\'s"'],
    ["--from-literal=a=é\n"],
    ["--from-literal=a"],
    ["--from-literal==b"],
    ["--from-literal=a b=c"],
    ["--from-literal=..=c"],
    ["--from-literal=..a=c"],
    ["--from-literal=.a=c"],
    ["--from-literal=a=1", "--from-literal=a=2"],
    ["--from-literal=" + "k" * 253 + "=c"],
    ["--from-literal=" + "k" * 254 + "=c"],
    ["--from-file=bytes"],
    ["--from-file=key=bytes"],
    ["--from-file=empty"],
    ["--from-file=./many/one"],
    ["--from-file=key=./many/one"],
    ["--from-file=many"],
    ["--from-file=key=many"],
    ["--from-file=none"],
    ["--from-file=bad name!"],
    ["--from-file=a=b=bytes"],
    ["--from-file==bytes"],
    ["--from-file=a="],
    ["--from-file=bytes", "--from-literal=bytes=x"],
    ["--from-literal=a=b", "--type=example.com/kind"],
]


@pytest.mark.parametrize("arguments", GENERIC, ids=lambda value: " ".join(value)[:40])
def test_items_are_kubectls(folder: Path, arguments: list[str]) -> None:
    assert ours(*arguments) == kubectl(*arguments)


ENV_FILES = [
    b"a=b\nc=d\n",
    b"a=b\r\nc=d",
    b"# comment\n\n  a=b\n\t# x\nlast=  spaces kept  \n",
    b"a='quoted'\nb=\"x\"\n",
    b"a=b=c\n",
    b"a=\n",
    b"FROM_ENVIRONMENT\nNOT_THERE_AT_ALL\n",
    b"a=1\na=2\n",
    b"a b=c\n",
    b"=x\n",
    b"\xef\xbb\xbfa=b\n",
    b"a=\xff\n",
    b"a.b-c_D=x\n",
    b"..a=b\n",
    b"export a=b\n",
    b"a=1 # no comment\n",
    "\u00a0a=b\n\u2003c=d\n".encode(),
    "a=é\n".encode(),
    b"a=b\rc=d\n",
    b"a=" + b"x" * 60_000 + b"\nb=y\n",
]


@pytest.mark.parametrize("content", ENV_FILES)
def test_env_files_are_read_as_kubectl_reads_them(folder: Path, content: bytes) -> None:
    (folder / "env").write_bytes(content)
    assert ours("--from-env-file=env") == kubectl("--from-env-file=env")


DOCKER = [
    ["--docker-username=u", "--docker-password=p"],
    ["--docker-username=u", "--docker-password=p", "--docker-email=e@example.com"],
    ["--docker-username=u", "--docker-password=p", "--docker-server=registry.example.com:5000"],
    ["--docker-username=<&>é\u2028", "--docker-password=\"'\\\t\x01\x7f", "--docker-server=https://r/v2/"],
    ["--docker-username=u:v", "--docker-password=p:q"],
    ["--docker-username=u"],
    ["--docker-password=p"],
    ["--docker-server=x"],
    ["--docker-username=u", "--docker-password=p", "--docker-server="],
]


@pytest.mark.parametrize("arguments", DOCKER, ids=lambda value: " ".join(value)[:40])
def test_docker_secrets_are_kubectls(folder: Path, arguments: list[str]) -> None:
    assert ours(*arguments) == kubectl(*arguments, kind="docker-registry")


def test_tls_secrets_are_kubectls(folder: Path) -> None:
    for name, algorithm in (("rsa", "rsa:2048"), ("ec", "ec"), ("ed", "ed25519")):
        curve = ["-pkeyopt", "ec_paramgen_curve:prime256v1"] if name == "ec" else []
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                algorithm,
                *curve,
                "-nodes",
                "-days",
                "9",
                "-subj",
                "/CN=x",
                "-keyout",
                f"{name}.key",
                "-out",
                f"{name}.crt",
            ],
            check=True,
            capture_output=True,
        )
    Path("chain.crt").write_bytes(Path("ec.crt").read_bytes() + Path("rsa.crt").read_bytes())
    Path("upside.crt").write_bytes(Path("rsa.crt").read_bytes() + Path("ec.crt").read_bytes())
    subprocess.run(["openssl", "ec", "-in", "ec.key", "-out", "sec1.key"], check=True, capture_output=True)
    subprocess.run(
        ["openssl", "rsa", "-traditional", "-in", "rsa.key", "-out", "pkcs1.key"],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", "ec.key", "-passout", "pass:x", "-out", "locked.key"],
        check=True,
        capture_output=True,
    )
    cases = [
        ("rsa.crt", "rsa.key"),
        ("ec.crt", "ec.key"),
        ("ed.crt", "ed.key"),
        ("chain.crt", "sec1.key"),
        ("rsa.crt", "pkcs1.key"),
        ("upside.crt", "ec.key"),
        ("rsa.crt", "ec.key"),
        ("rsa.key", "rsa.key"),
        ("rsa.crt", "rsa.crt"),
        ("rsa.crt", "none"),
        ("empty", "rsa.key"),
        ("ec.crt", "locked.key"),
    ]
    results = []
    for certificate, key in cases:
        theirs = kubectl(f"--cert={certificate}", f"--key={key}", kind="tls")
        assert ours(f"--tls-cert={certificate}", f"--tls-key={key}") == theirs, (certificate, key)
        results.append(theirs is not None)
    assert results == [True] * 5 + [False] * 7
