"""What a store no longer has, by deletion policy: a table."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, SyncError, Throttled, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.base import Reference
from sealbridge.sync.assemble import assemble
from sealbridge.sync.missing import missing_entries, missing_text
from sealbridge.sync.model import ExternalSecretSpec, StoreRef, parse

STORE = StoreRef(name="s")


def spec_of(policy: str, count: int = 1) -> ExternalSecretSpec:
    data = [{"secretKey": f"k{n}", "remoteRef": {"key": f"r{n}"}} for n in range(count)]
    spec: dict[str, Any] = {
        "secretStoreRef": {"name": "s"},
        "data": data,
        "dataFrom": [{"extract": {"key": "all"}}],
        "target": {"deletionPolicy": policy},
    }
    return parse({"apiVersion": "external-secrets.io/v1", "metadata": {"name": "es"}, "spec": spec}).spec


@pytest.mark.parametrize("policy", ["Retain", "Delete", "Merge"])
@pytest.mark.parametrize(
    ("answer", "goes"),
    [
        (NotFound("no such secret"), True),
        (NotFound("no such version", missing="version"), True),
        (NotFound("no such property", missing="property"), False),
        (Denied("denied"), False),
        (Throttled("wait"), False),
        (Unavailable("down"), False),
        (Invalid("nonsense"), False),
    ],
)
def test_only_a_secret_that_is_gone_is_left_out_and_only_where_the_policy_lets_it_go(
    answer: StoreError, goes: bool, policy: str
) -> None:
    spec = spec_of(policy)
    results = {STORE: {Reference("all"): Value(b'{"a": "1"}'), Reference("r0"): answer}}
    if goes and policy != "Retain":
        assert set(assemble(spec, results).items) == {"a"}
        assert [str(entry) for entry in missing_entries(spec, results)] == ["data[0] (secretKey k0)"]
    else:
        assert missing_entries(spec, results) == ()
        with pytest.raises(SyncError, match=rf"data\[0\] \(secretKey k0\): .* \({type(answer).__name__}\)"):
            assemble(spec, results)


@pytest.mark.parametrize("policy", ["Delete", "Merge"])
def test_a_collection_is_missing_where_all_of_it_is_asked_for_and_an_error_where_one_item_is(
    policy: str,
) -> None:
    spec, gone = spec_of(policy), NotFound("no such Secret", missing="collection")
    results = {STORE: {Reference("all"): gone, Reference("r0"): Value(b"v")}}
    assert set(assemble(spec, results).items) == {"k0"}
    assert [str(entry) for entry in missing_entries(spec, results)] == ["dataFrom[0]"]
    results = {STORE: {Reference("all"): gone, Reference("r0"): gone}}
    with pytest.raises(SyncError, match=r"^data\[0\] \(secretKey k0\): no such Secret \(NotFound\)$"):
        assemble(spec, results)


@pytest.mark.parametrize("error", [NotFound("no store"), Unavailable("down")])
def test_a_store_that_cannot_be_opened_has_lost_nothing(error: StoreError) -> None:
    spec = spec_of("Delete")
    assert missing_entries(spec, {STORE: error}) == ()
    assert missing_entries(spec, {}) == ()
    with pytest.raises(SyncError):
        assemble(spec, {STORE: error})


def test_what_is_missing_is_named_and_much_of_it_counted() -> None:
    spec = spec_of("Merge", 12)
    gone = NotFound("gone")
    results = {STORE: {Reference("all"): gone, **{Reference(f"r{n}"): gone for n in range(12)}}}
    text = missing_text(missing_entries(spec, results))
    assert text.startswith(
        "secret does not exist at provider using dataFrom[0] (key all), data[0] (secretKey k0) (key r0), "
    )
    assert text.endswith("data[8] (secretKey k8) (key r8) and 3 more")
    assert assemble(spec, results).items == {}
