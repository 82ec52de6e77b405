"""Other people's sealing opens here, and ours opens elsewhere."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest
from kubesealpy.scopes import SealingScope
from kubesealpy.sealer import Sealer
from kubesealpy.unsealer import Unsealer

from sealbridge.manifest_text import ManifestText
from sealbridge.manifests import read_documents
from sealbridge.repo.in_place import seal_in_place
from sealbridge.sealing import envelope
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.choosing import Wishes
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import SealingKey
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import SealedSecret, seal
from sealbridge.secret import Secret, Value
from tests.sealing_keys import sealing_key
from tests.servers.apiserver import kubectl_program

NODE = Path(__file__).parent / "node"
VALUES = [b"", b"x", b"correct horse", bytes(range(256)), "zażółć".encode(), b"A" * 100_000]
SIZES = [2048, 4096]
KUBESEALPY = {
    Scope.STRICT: SealingScope.STRICT,
    Scope.NAMESPACE_WIDE: SealingScope.NAMESPACE_WIDE,
    Scope.CLUSTER_WIDE: SealingScope.CLUSTER_WIDE,
}
NPM = {Scope.STRICT: "strict", Scope.NAMESPACE_WIDE: "namespace", Scope.CLUSTER_WIDE: "cluster"}


def node(script: str, **given: str) -> bytes:
    return subprocess.run(
        ["node", str(NODE / script)], input=json.dumps(given).encode(), capture_output=True, check=True
    ).stdout


@pytest.mark.parametrize("bits", SIZES)
@pytest.mark.parametrize("scope", Scope)
def test_values_sealed_by_kubesealpy_open_here(scope: Scope, bits: int) -> None:
    key = sealing_key(bits=bits)
    sealer = Sealer.from_certificate_pem(key.certificate.pem)
    for value in VALUES:
        sealed = sealer.seal_value(value, namespace="shop", name="db", scope=KUBESEALPY[scope])
        assert Keyring([key]).open(sealed, scope.label("shop", "db")).value.reveal() == value


@pytest.mark.parametrize("scope", Scope)
def test_a_manifest_of_kubesealpy_opens_here(scope: Scope) -> None:
    key = sealing_key()
    sealer = Sealer.from_certificate_pem(key.certificate.pem)
    theirs = sealer.seal("db", "shop", {"a": b"1", "b": b"2"}, scope=KUBESEALPY[scope], labels={"l": "1"})
    (document,) = read_documents(theirs.to_yaml().encode(), file="theirs")
    sealed = SealedSecret.from_manifest(document.obj)
    assert sealed.scope is scope
    opened = unseal_items(sealed, Keyring([sealing_key(1), key]))
    assert {name: value.reveal() for name, value in opened.items()} == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize("bits", SIZES)
@pytest.mark.parametrize("scope", Scope)
def test_values_sealed_here_open_in_kubesealpy(scope: Scope, bits: int) -> None:
    key = sealing_key(bits=bits)
    unsealer = Unsealer.from_private_key(key.private_key)
    for value in VALUES:
        sealed = envelope.seal(value, key.certificate, scope.label("shop", "db"))
        assert unsealer.unseal_value(sealed, namespace="shop", name="db", scope=KUBESEALPY[scope]) == value


@pytest.mark.parametrize("bits", SIZES)
@pytest.mark.parametrize("scope", Scope)
def test_values_sealed_by_the_npm_package_open_here(scope: Scope, bits: int) -> None:
    key = sealing_key(bits=bits)
    sealed = node(
        "seal.mjs",
        certificate=key.certificate.pem.decode(),
        scope=NPM[scope],
        namespace="shop",
        name="db",
        value="zażółć",
    )
    opened = Keyring([key]).open(envelope.decode(sealed.decode()), scope.label("shop", "db"))
    assert opened.value.reveal().decode() == "zażółć"


@pytest.mark.parametrize("bits", SIZES)
@pytest.mark.parametrize("scope", Scope)
def test_values_sealed_here_open_with_a_few_lines_of_nodes_own_crypto(scope: Scope, bits: int) -> None:
    key = sealing_key(bits=bits)
    plain = Secret(name="db", namespace="shop", items={"a": Value(os.urandom(1000))})
    manifest = seal(plain, key.certificate, scope).to_manifest()
    label = {
        Scope.STRICT: b"shop/db",
        Scope.NAMESPACE_WIDE: b"shop",
        Scope.CLUSTER_WIDE: b"",
    }[scope]
    opened = node(
        "open.mjs",
        key=key.private_pem.reveal().decode(),
        label=base64.b64encode(label).decode(),
        envelope=manifest["spec"]["encryptedData"]["a"],
    )
    assert base64.b64decode(opened) == plain.items["a"].reveal()


@pytest.fixture(scope="module")
def made_by_openssl(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A key and a certificate with the extensions of the controller's, made by the openssl command."""
    folder = tmp_path_factory.mktemp("openssl")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/"),
            *("-addext", "keyUsage=critical,encipherOnly"),
            *("-keyout", "key.pem", "-out", "cert.pem"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return (folder / "key.pem").read_bytes(), (folder / "cert.pem").read_bytes()


def test_a_certificate_with_the_controllers_extensions_seals_and_its_key_opens(
    made_by_openssl: tuple[bytes, bytes],
) -> None:
    private, certificate = made_by_openssl
    parsed = Certificate.from_pem(certificate)
    with pytest.raises(ValueError, match="key_agreement"):
        _ = parsed._parsed().extensions
    sealed = envelope.seal(b"value", parsed, b"shop/db")
    key = SealingKey.from_pem(private, certificate)
    assert Keyring([key]).open(sealed, b"shop/db").value.reveal() == b"value"
    pkcs1 = subprocess.run(
        ["openssl", "rsa", "-traditional"], input=private, capture_output=True, check=True
    ).stdout
    assert pkcs1.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    assert SealingKey.from_pem(pkcs1, None).fingerprint == key.fingerprint


def test_openssl_reads_in_our_certificate_what_the_controller_writes_in_its_own(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    path.write_bytes(sealing_key().certificate.pem)
    text = subprocess.run(
        ["openssl", "x509", "-noout", "-text", "-in", str(path)], capture_output=True, check=True, text=True
    ).stdout
    lines = [line.strip() for line in text.splitlines()]
    assert lines[lines.index("X509v3 Key Usage: critical") + 1] == "Encipher Only"
    assert lines[lines.index("X509v3 Basic Constraints: critical") + 1] == "CA:TRUE"
    assert "Signature Algorithm: sha256WithRSAEncryption" in lines


def test_the_fingerprint_is_what_ssh_keygen_prints(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(sealing_key().private_pem.reveal())
    path.chmod(0o600)
    shown = subprocess.run(["ssh-keygen", "-l", "-f", str(path)], capture_output=True, check=True, text=True)
    assert shown.stdout.split()[1] == sealing_key().fingerprint


def test_a_file_sealed_in_place_is_to_kubectl_and_node_what_it_is_to_us(tmp_path: Path) -> None:
    key = sealing_key()
    text = (
        "# ours\napiVersion: v1\nkind: Secret\nmetadata:\n  name: db # name\n  namespace: shop\n"
        "  labels: {app: 'yes'}\ntype: Opaque\nstringData:\n  # pw\n  a: |-\n    two\n    lines\n"
    )
    outcome = seal_in_place(ManifestText(text.encode(), file="s"), key.certificate, Wishes(), lambda _: [])
    assert outcome.data.startswith(b"# ours\n")
    read = subprocess.run(
        [kubectl_program(), "label", "--local", "-f", "-", "-o", "json", "x=y"],
        input=outcome.data, capture_output=True, check=True,
    )  # fmt: skip
    theirs = json.loads(read.stdout)
    (ours,) = read_documents(outcome.data, file="s")
    assert theirs["spec"] == ours.obj["spec"]
    assert theirs["metadata"]["annotations"] == ours.obj["metadata"]["annotations"]
    opened = node(
        "open.mjs",
        key=key.private_pem.reveal().decode(),
        label=base64.b64encode(b"shop/db").decode(),
        envelope=theirs["spec"]["encryptedData"]["a"],
    )
    assert base64.b64decode(opened) == b"two\nlines"
