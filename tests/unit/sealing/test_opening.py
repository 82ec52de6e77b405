from __future__ import annotations

from typing import Any

import pytest

from sealbridge.errors import UnsealError
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import open_items
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import SealedSecret, seal
from sealbridge.secret import Secret, Value
from tests.sealing_keys import sealing_key

KEYS = [sealing_key(number) for number in range(3)]


def sealed(scope: Scope, *, key: int = 0, count: int = 3, namespace: str = "shop") -> dict[str, Any]:
    items = {f"item-{number}": Value(b"v%d" % number) for number in range(count)}
    return seal(
        Secret(name="db", namespace=namespace, items=items), KEYS[key].certificate, scope
    ).to_manifest()


def failure(manifest: dict[str, Any], keyring: Keyring) -> UnsealError:
    with pytest.raises(UnsealError) as caught:
        open_items(SealedSecret.from_manifest(manifest), keyring)
    return caught.value


def test_every_item_says_which_key_opened_it() -> None:
    manifest = sealed(Scope.STRICT, key=1)
    manifest["spec"]["encryptedData"]["item-1"] = sealed(Scope.STRICT, key=2)["spec"]["encryptedData"][
        "item-1"
    ]
    opened = open_items(SealedSecret.from_manifest(manifest), Keyring(KEYS))
    assert {key: one.key for key, one in opened.items()} == {
        "item-0": KEYS[1].fingerprint,
        "item-1": KEYS[2].fingerprint,
        "item-2": KEYS[1].fingerprint,
    }


@pytest.mark.parametrize(
    ("annotated", "known", "tries"), [(True, False, 3), (False, True, 3), (False, False, 5)]
)
def test_the_key_that_is_known_is_tried_first_and_else_the_one_that_opened_the_item_before(
    *, annotated: bool, known: bool, tries: int
) -> None:
    counted: list[None] = []
    manifest = sealed(Scope.STRICT, key=2)
    if not annotated:
        del manifest["metadata"]["annotations"]
    before = dict.fromkeys(manifest["spec"]["encryptedData"], KEYS[2].fingerprint) if known else None
    open_items(
        SealedSecret.from_manifest(manifest), Keyring(KEYS, tried=lambda: counted.append(None)), known=before
    )
    assert len(counted) == tries


@pytest.mark.parametrize("sealed_as", Scope)
@pytest.mark.parametrize("says", Scope)
def test_another_scope_than_the_one_it_was_sealed_with_is_told_with_the_way_out(
    sealed_as: Scope, says: Scope
) -> None:
    if sealed_as is says:
        return
    manifest = sealed(sealed_as)
    manifest["metadata"]["annotations"] = says.annotations()
    error = failure(manifest, Keyring(KEYS))
    assert error.items == dict.fromkeys(["item-0", "item-1", "item-2"], "WrongScope")
    assert error.what == "no key could decrypt secret (item-0, item-1, item-2)"
    assert f"was sealed {sealed_as.value}, and the object is {says.value}" in (error.hint or "")


def test_wrong_keys_wrong_scopes_and_damage_are_told_apart_item_by_item() -> None:
    manifest = sealed(Scope.STRICT, count=1)
    data = manifest["spec"]["encryptedData"]
    data["scoped"] = sealed(Scope.CLUSTER_WIDE)["spec"]["encryptedData"]["item-0"]
    data["renamed"] = sealed(Scope.STRICT, namespace="elsewhere")["spec"]["encryptedData"]["item-0"]
    data["cut"] = data["item-0"][:40]
    error = failure(manifest, Keyring(KEYS))
    assert error.items == {"scoped": "WrongScope", "renamed": "WrongKey", "cut": "Corrupt"}


def test_finding_out_a_scope_costs_no_more_than_a_bounded_number_of_tries() -> None:
    counted: list[None] = []
    manifest = sealed(Scope.STRICT, namespace="elsewhere", count=200)
    manifest["metadata"]["namespace"] = "shop"
    failure(manifest, Keyring(KEYS, tried=lambda: counted.append(None)))
    assert 200 * 3 < len(counted) <= 200 * 3 + 64 + 3


def test_thousands_of_items_that_no_key_opens_cost_a_bounded_number_of_tries() -> None:
    counted: list[None] = []
    manifest = sealed(Scope.STRICT, key=0, count=1)
    (text,) = manifest["spec"]["encryptedData"].values()
    manifest["spec"]["encryptedData"] = {f"item-{number}": text for number in range(3000)}
    error = failure(manifest, Keyring(KEYS[1:], tried=lambda: counted.append(None)))

    assert len(counted) < 1100
    assert error.what.startswith("no key could decrypt secret (item-0, ")
    assert error.what.endswith("\n2500 more were not tried")
    assert len(error.items) == 500
