"""PKCS#12 files and keys against the openssl command: it reads ours, and we read what it writes."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat

from sealbridge.templates.functions import pkcs12
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import Budget
from tests import chains

# The algorithms that openssl offers for certificates and keys; `-legacy` is what all wrote before 3.0.
FORMS = {
    "as openssl 3 writes": [],
    "RC2-40 and 3DES": ["-legacy"],
    "3DES for both": ["-legacy", "-descert"],
    "AES-128": ["-certpbe", "AES-128-CBC", "-keypbe", "AES-128-CBC"],
    "AES-192": ["-certpbe", "AES-192-CBC", "-keypbe", "AES-192-CBC"],
    "certificates in the clear": ["-certpbe", "NONE"],
    "nothing encrypted": ["-certpbe", "NONE", "-keypbe", "NONE"],
    "a MAC with SHA-1": ["-macalg", "sha1"],
    "a MAC with SHA-512": ["-macalg", "sha512"],
    "one iteration": ["-noiter", "-nomaciter"],
    "many iterations": ["-iter", "100000"],
}


# What makes a certificate trusted to Java: a number to openssl before 3.2.
_JAVA_MARK = re.compile(
    rb"^ +(?:2\.16\.840\.1\.113894\.746875\.1\.1|Trusted key usage \(Oracle\)): ", re.MULTILINE
)


@pytest.fixture
def budget() -> Budget:
    return Budget()


def openssl(*arguments: str, data: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def exported(folder: Path, password: str, *options: str, certificates: bytes = b"") -> bytes:
    """What openssl makes of the chain, its certificates in a wrong order."""
    chain = chains.chain()
    key, text = folder / "key.pem", folder / "certificates.pem"
    key.write_bytes(chain.leaf.key_pem)
    text.write_bytes(certificates or chain.leaf.pem + chain.root.pem + chain.intermediate.pem)
    return openssl(
        "pkcs12", "-export", "-in", str(text), "-inkey", str(key), "-passout", f"pass:{password}", *options
    )


@pytest.mark.parametrize("password", ["", "1234", "pässword €"], ids=["empty", "ascii", "unicode"])
@pytest.mark.parametrize("form", FORMS)
def test_what_openssl_writes_is_read(tmp_path: Path, budget: Budget, form: str, password: str) -> None:
    data = exported(tmp_path, password, *FORMS[form])
    chain = chains.chain()

    assert pkcs12.pkcs12key_pass(budget, password.encode(), data) == chain.leaf.key_pem
    assert pkcs12.pkcs12cert_pass(budget, password.encode(), data) == (
        chain.leaf.pem + chain.intermediate.pem + chain.root.pem
    )
    with pytest.raises(FunctionError, match="the password is wrong"):
        pkcs12.pkcs12cert_pass(budget, b"wrong", data)


def test_certificates_without_one_order_stay_in_theirs(tmp_path: Path, budget: Budget) -> None:
    chain = chains.chain()
    text = chain.leaf.pem + chain.root.pem + chain.intermediate.pem + chain.stranger.pem

    assert pkcs12.pkcs12cert(budget, exported(tmp_path, "", certificates=text)) == text


@pytest.mark.parametrize(
    ("option", "text"),
    [("-nocerts", "no certificate"), ("-nokeys", "no private key"), ("-nomac", "no MAC")],
)
def test_what_lacks_a_part_is_refused(tmp_path: Path, budget: Budget, option: str, text: str) -> None:
    data = exported(tmp_path, "1234", option)

    with pytest.raises(FunctionError, match=text):
        pkcs12.pkcs12key_pass(budget, b"1234", data)


def test_a_file_without_password_and_mac_is_read(tmp_path: Path, budget: Budget) -> None:
    data = exported(tmp_path, "", "-nomac", "-certpbe", "NONE", "-keypbe", "NONE")

    assert pkcs12.pkcs12key(budget, data) == chains.chain().leaf.key_pem


@pytest.mark.parametrize("password", ["", "1234", "pässword €"], ids=["empty", "ascii", "unicode"])
def test_openssl_reads_a_chain_with_its_key(tmp_path: Path, budget: Budget, password: str) -> None:
    chain = chains.chain()
    made = pkcs12.full_pem_to_pkcs12_pass(
        budget,
        chain.leaf.pem + chain.intermediate.pem + chain.root.pem,
        chain.leaf.key_pem,
        password.encode(),
    )
    file = tmp_path / "made.p12"
    file.write_bytes(base64.b64decode(made, validate=True))

    printed = openssl("pkcs12", "-in", str(file), "-passin", f"pass:{password}", "-noenc", "-info")

    order = [printed.index(one.pem.strip()) for one in (chain.leaf, chain.intermediate, chain.root)]
    assert order == sorted(order)
    assert chain.leaf.key_pem.strip() in printed
    assert printed.count(b"localKeyID: ") == 2


def test_openssl_says_which_algorithms_are_used(tmp_path: Path, budget: Budget) -> None:
    chain = chains.chain()
    file = tmp_path / "made.p12"
    made = pkcs12.pem_to_pkcs12_pass(budget, chain.leaf.pem, chain.leaf.key_pem, b"1234")
    file.write_bytes(base64.b64decode(made))

    done = subprocess.run(
        ["openssl", "pkcs12", "-in", str(file), "-passin", "pass:1234", "-noout", "-info"],
        capture_output=True,
        check=True,
        timeout=60,
    )

    said = done.stderr.decode()
    assert "MAC: sha256, Iteration 2048" in said
    assert said.count("PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256") == 2


def test_openssl_reads_a_trust_store(tmp_path: Path, budget: Budget) -> None:
    chain = chains.chain()
    file = tmp_path / "trusted.p12"
    made = pkcs12.pem_truststore_to_pkcs12_pass(budget, chain.root.pem + chain.stranger.pem, b"changeit")
    file.write_bytes(base64.b64decode(made))

    printed = openssl("pkcs12", "-in", str(file), "-passin", "pass:changeit")

    assert chain.root.pem.strip() in printed
    assert chain.stranger.pem.strip() in printed
    assert b"friendlyName: CN=root" in printed
    assert len(_JAVA_MARK.findall(printed)) == 2


KEYS: dict[str, Callable[[], Any]] = {
    "RSA": chains.rsa_key,
    "P-224": lambda: ec.generate_private_key(ec.SECP224R1()),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.mark.parametrize("kind", KEYS)
def test_keys_of_every_kind_and_form_come_back_as_openssl_writes_pkcs8(budget: Budget, kind: str) -> None:
    key = KEYS[kind]()
    forms = [PrivateFormat.PKCS8]
    if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        forms.append(PrivateFormat.TraditionalOpenSSL)
    certificate = chains.sign("leaf", key).pem

    for form in forms:
        text = chains.key_pem(key, form)
        made = base64.b64decode(pkcs12.pem_to_pkcs12(budget, certificate, text))
        assert pkcs12.pkcs12key(budget, made) == openssl("pkcs8", "-topk8", "-nocrypt", data=text)
        assert pkcs12.pkcs12cert(budget, made) == certificate
