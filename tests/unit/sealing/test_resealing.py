from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from sealbridge.errors import ManifestError, UnsealError
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.resealing import reseal
from sealbridge.sealing.scope import NAMESPACE_WIDE_ANNOTATION, Scope
from sealbridge.sealing.sealed_secret import SEALED_WITH, SealedSecret, seal
from sealbridge.secret import Secret, Value
from tests.sealing_keys import sealing_key

OLD, NEW = sealing_key(0), sealing_key(1)
RING = Keyring([OLD, NEW])


def manifest(scope: Scope = Scope.STRICT) -> dict[str, Any]:
    items = {"user": Value(b"bob"), "password": Value(b"hunter2")}
    sealed = seal(Secret(name="db", namespace="shop", items=items), OLD.certificate, scope).to_manifest()
    sealed["metadata"] |= {"labels": {"team": "a"}, "finalizers": ["x/y"]}
    sealed["spec"]["template"] |= {"data": {"url": "pg://{{ .user }}"}, "unknown": [1]}
    sealed["spec"]["template"]["metadata"]["annotations"] = {"note": "kept"}
    return sealed


def opened(obj: dict[str, Any], ring: Keyring) -> dict[str, bytes]:
    return {k: v.reveal() for k, v in unseal_items(SealedSecret.from_manifest(obj), ring).items()}


@pytest.mark.parametrize("scope", Scope)
def test_everything_but_the_sealed_values_stays(scope: Scope) -> None:
    before = manifest(scope)
    kept = deepcopy(before)
    after = reseal(before, RING, NEW.certificate)
    assert before == kept
    assert after.items == ("password", "user")
    assert opened(after.manifest, Keyring([NEW])) == {"user": b"bob", "password": b"hunter2"}
    assert after.manifest["metadata"]["annotations"][SEALED_WITH] == NEW.fingerprint
    for obj in (before, after.manifest):
        del obj["spec"]["encryptedData"]
        del obj["metadata"]["annotations"][SEALED_WITH]
    assert after.manifest == before


def test_items_that_the_certificate_opens_already_stay_as_they_are_unless_all_are_asked_for() -> None:
    first = reseal(manifest(), RING, NEW.certificate).manifest
    again = reseal(first, RING, NEW.certificate)
    assert again.items == ()
    assert again.manifest == first
    data = first["spec"]["encryptedData"]
    data["user"] = manifest()["spec"]["encryptedData"]["user"]
    mixed = reseal(first, RING, NEW.certificate)
    assert mixed.items == ("user",)
    assert mixed.manifest["spec"]["encryptedData"]["password"] == data["password"]
    assert reseal(first, RING, NEW.certificate, every=True).items == ("password", "user")


def test_what_an_api_server_sets_is_left_out() -> None:
    live = manifest()
    live["metadata"] |= {"uid": "u", "resourceVersion": "1", "generation": 2, "creationTimestamp": None}
    live["status"] = {"conditions": []}
    after = reseal(live, RING, NEW.certificate).manifest
    assert "status" not in after
    assert not {"uid", "resourceVersion", "generation", "creationTimestamp"} & after["metadata"].keys()


def test_the_scope_is_that_of_the_object_and_never_of_the_template() -> None:
    sealed = manifest()
    sealed["spec"]["template"]["metadata"]["annotations"] = {NAMESPACE_WIDE_ANNOTATION: "true"}
    after = reseal(sealed, RING, NEW.certificate).manifest
    assert opened(after, RING)["user"] == b"bob"
    assert NAMESPACE_WIDE_ANNOTATION not in after["metadata"]["annotations"]


def test_one_item_that_does_not_open_stops_the_whole_object() -> None:
    sealed = manifest()
    sealed["spec"]["encryptedData"]["user"] = "damaged"
    with pytest.raises(UnsealError, match=r"\(user\)"):
        reseal(sealed, RING, NEW.certificate)
    with pytest.raises(ManifestError):
        reseal({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}}, RING, NEW.certificate)
