from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sealbridge.errors import ManifestError, UnsealError
from sealbridge.sealing import envelope
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.resealing import reseal
from sealbridge.sealing.scope import NAMESPACE_WIDE_ANNOTATION
from sealbridge.sealing.sealed_secret import SKIP_OWNER_ANNOTATION, SealedSecret
from sealbridge.sealing.whole import open_whole
from tests.canary import Canary
from tests.sealing_keys import sealing_key

OLD, NEW = sealing_key(0), sealing_key(1)
RING = Keyring([NEW, OLD])
INNER = {
    "kind": "Secret",
    "apiVersion": "v1",
    "metadata": {
        "name": "before",
        "namespace": "elsewhere",
        "labels": {"l": "1"},
        "annotations": {"n": "2"},
        "creationTimestamp": None,
        "uid": "u",
    },
    "type": "example.com/t",
    "data": {"user": base64.b64encode(b"bob").decode(), "bytes": "AP8="},
}


def manifest(content: object = INNER, label: bytes = b"shop/db", **spec: Any) -> dict[str, Any]:
    plain = content if isinstance(content, bytes) else json.dumps(content).encode()
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "db", "namespace": "shop", "labels": {"outer": "1"}},
        "spec": {"data": envelope.encode(envelope.seal(plain, OLD.certificate, label)), **spec},
    }


def read(obj: dict[str, Any]) -> SealedSecret:
    return SealedSecret.from_manifest(obj, accept_whole=True)


def test_it_opens_as_the_secret_it_was_under_the_name_of_its_object() -> None:
    secret, key = open_whole(read(manifest()), RING)
    assert key == OLD.fingerprint
    assert (secret.namespace, secret.name, secret.type) == ("shop", "db", "example.com/t")
    assert {name: value.reveal() for name, value in secret.items.items()} == {
        "user": b"bob",
        "bytes": b"\x00\xff",
    }
    assert (secret.labels, secret.annotations, secret.metadata) == ({"l": "1"}, {"n": "2"}, {})


def test_the_key_that_is_known_is_tried_first() -> None:
    tried: list[None] = []
    ring = Keyring([NEW, OLD], tried=lambda: tried.append(None))
    open_whole(read(manifest()), ring, known={"spec.data": OLD.fingerprint})
    assert len(tried) == 1


@pytest.mark.parametrize(
    ("obj", "ring", "reason"),
    [
        (manifest(), Keyring([NEW]), "WrongKey"),
        (manifest(label=b"shop"), RING, "WrongScope"),
        (manifest() | {"spec": {"data": "AAAA"}}, RING, "Corrupt"),
        (manifest() | {"spec": {"data": ""}}, RING, "Corrupt"),
    ],
)
def test_what_does_not_open_says_why(obj: dict[str, Any], ring: Keyring, reason: str) -> None:
    with pytest.raises(UnsealError, match=r"spec\.data") as caught:
        open_whole(read(obj), ring)
    assert caught.value.items == {"spec.data": reason}


def test_what_opens_and_is_no_secret_is_told_without_a_word_of_it(canary: Canary) -> None:
    value = canary("inside")
    for content in (
        value.encode(),
        b"\xff\xfe",
        b"[" * 100_000,
        [value],
        {"kind": value},
        {"kind": "Secret", "data": {"a": f"not base64 {value}"}},
        {"kind": "Secret", "data": {"a": {value: 1}}},
        {"kind": "Secret", "metadata": [value]},
    ):
        with pytest.raises(UnsealError) as caught:
            open_whole(read(manifest(content)), RING)
        assert caught.value.items == {"spec.data": "Corrupt"}
        assert value not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


def test_it_is_refused_where_it_is_not_expected_and_beside_items() -> None:
    with pytest.raises(ManifestError, match="a format of before 2019"):
        SealedSecret.from_manifest(manifest())
    with pytest.raises(ManifestError, match="cannot be used at the same time"):
        read(manifest(encryptedData={"a": "AgA="}))
    assert read(manifest(encryptedData={})).whole is not None
    obj = manifest(encryptedData=None)
    assert read(obj).to_manifest()["spec"]["data"] == obj["spec"]["data"]


def test_resealed_it_becomes_items_and_a_template_that_make_the_same_secret() -> None:
    obj = manifest(template={"metadata": {"annotations": {SKIP_OWNER_ANNOTATION: "true", "x": "no effect"}}})
    obj["status"] = {"conditions": []}
    with pytest.raises(ManifestError):
        reseal(obj, RING, NEW.certificate)

    after = reseal(obj, RING, NEW.certificate, accept_whole=True)

    assert after.items == ("user", "bytes")
    assert after.manifest["metadata"]["labels"] == {"outer": "1"}
    assert after.manifest.keys() == {"apiVersion", "kind", "metadata", "spec"}
    assert "data" not in after.manifest["spec"]
    sealed = SealedSecret.from_manifest(after.manifest)
    assert {name: value.reveal() for name, value in unseal_items(sealed, Keyring([NEW])).items()} == {
        "user": b"bob",
        "bytes": b"\x00\xff",
    }
    template = sealed.template
    assert (template.type, template.labels) == ("example.com/t", {"l": "1"})
    assert template.annotations == {"n": "2", SKIP_OWNER_ANNOTATION: "true"}


def test_resealed_it_keeps_its_scope() -> None:
    obj = manifest(label=b"shop")
    obj["metadata"]["annotations"] = {NAMESPACE_WIDE_ANNOTATION: "true"}
    after = reseal(obj, RING, NEW.certificate, accept_whole=True).manifest
    after["metadata"]["name"] = "renamed"
    assert unseal_items(SealedSecret.from_manifest(after), Keyring([NEW]))["user"].reveal() == b"bob"


def test_an_empty_one_is_resealed_as_an_empty_one() -> None:
    after = reseal(manifest({"kind": "Secret"}), RING, NEW.certificate, accept_whole=True)
    assert after.items == ()
    assert after.manifest["spec"]["encryptedData"] == {}
