"""Counters under the names that upstream's dashboards read, and none for what is gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import sealbridge
from sealbridge.errors import (
    ClusterError,
    Conflict,
    EnvelopeError,
    Immutable,
    NotOwned,
    SealbridgeError,
    UnsealError,
)
from sealbridge.operator.metrics import Metrics
from sealbridge.operator.queue import WorkQueue
from sealbridge.reconcile.kinds import ObjectKey
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.status import failed

SEALED = ObjectKey("SealedSecret", "a", "x")
EXTERNAL = ObjectKey("ExternalSecret", "a", "x")
STORE = ObjectKey("ClusterSecretStore", "", "s")


def samples(metrics: Metrics) -> dict[str, float]:
    lines = (line for line in metrics.page().decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_a_sealed_secret_is_counted_as_upstream_does() -> None:
    metrics = Metrics()
    metrics.reconciled(Result(key=SEALED, outcome=Outcome.CREATED), 0.1)
    found = samples(metrics)
    assert found["sealed_secrets_controller_unseal_requests_total"] == 1
    assert (
        found[
            'sealed_secrets_controller_condition_info{condition="Synced",name="x",namespace="a",'
            'ss_app_kubernetes_io_instance=""}'
        ]
        == 1
    )


@pytest.mark.parametrize(
    ("error", "target", "reason"),
    [
        (UnsealError("no key"), None, "unseal"),
        (EnvelopeError("short"), None, "unseal"),
        (NotOwned("theirs"), ObjectKey("Secret", "a", "x"), "unmanaged"),
        (ClusterError("down"), None, "fetch"),
        (ClusterError("down"), ObjectKey("Secret", "a", "x"), "update"),
    ],
)
def test_a_failure_is_counted_by_its_reason(
    error: SealbridgeError, target: ObjectKey | None, reason: str
) -> None:
    metrics = Metrics()
    metrics.reconciled(failed(SEALED, error, retry=False, told=True, target=target), 0.1)
    found = samples(metrics)
    assert found[f'sealed_secrets_controller_unseal_errors_total{{namespace="a",reason="{reason}"}}'] == 1
    assert min(value for name, value in found.items() if "condition_info" in name) == -1


@pytest.mark.parametrize(
    ("error", "target", "reason"),
    [
        (ClusterError("down"), None, "fetch"),
        (ClusterError("down"), ObjectKey("Secret", "a", "x"), "status"),
        (Conflict("changed"), ObjectKey("Secret", "a", "x"), "update"),
    ],
)
def test_what_could_not_be_told_leaves_the_condition_as_it_was(
    error: ClusterError, target: ObjectKey | None, reason: str
) -> None:
    metrics = Metrics()
    metrics.reconciled(Result(key=SEALED, outcome=Outcome.CREATED), 0.1)
    metrics.reconciled(failed(SEALED, error, retry=True, target=target), 0.1)
    metrics.reconciled(Result(key=EXTERNAL, outcome=Outcome.CREATED), 0.1)
    metrics.reconciled(failed(EXTERNAL, error, retry=True, target=target), 0.1)
    found = samples(metrics)
    assert found[f'sealed_secrets_controller_unseal_errors_total{{namespace="a",reason="{reason}"}}'] == 1
    assert [value for name, value in found.items() if "condition_info" in name] == [1]
    assert found['externalsecret_sync_calls_error{name="x",namespace="a"}'] == 1
    labels = 'condition="Ready",name="x",namespace="a"'
    assert found[f'externalsecret_status_condition{{{labels},status="True"}}'] == 1


def test_the_instance_of_a_sealed_secret_is_a_label_that_follows_its_edits() -> None:
    metrics = Metrics()
    seen = []
    for labels in ({"app.kubernetes.io/instance": "shop"}, {"app.kubernetes.io/instance": "bar"}, {}):
        metrics.labelled(SEALED, labels)
        metrics.reconciled(Result(key=SEALED, outcome=Outcome.UNCHANGED), 0.1)
        seen.append(
            [name.rpartition("instance=")[2] for name in samples(metrics) if "condition_info" in name]
        )
    assert seen == [['"shop"}'], ['"bar"}'], ['""}']]

    metrics.labelled(SEALED, {"app.kubernetes.io/instance": "shop"})
    metrics.reconciled(Result(key=SEALED, outcome=Outcome.UNCHANGED), 0.1)
    metrics.reconciled(Result(key=SEALED, outcome=Outcome.GONE), 0.1)
    assert not [name for name in samples(metrics) if "condition_info" in name]


def test_nothing_names_a_sealed_secret_where_that_is_asked_for() -> None:
    metrics = Metrics(omit_names=True)
    metrics.labelled(SEALED, {"app.kubernetes.io/instance": "shop"})
    metrics.reconciled(Result(key=SEALED, outcome=Outcome.CREATED), 0.1)
    metrics.reconciled(failed(SEALED, Immutable("it is immutable"), retry=True, told=True), 0.1)
    metrics.reconciled(Result(key=SEALED, outcome=Outcome.GONE), 0.1)
    found = samples(metrics)
    assert not [name for name in found if "condition_info" in name]
    assert found["sealed_secrets_controller_unseal_requests_total"] == 2
    assert found['sealed_secrets_controller_unseal_errors_total{namespace="a",reason="update"}'] == 1


def test_the_version_is_told_under_both_names() -> None:
    found = samples(Metrics())
    assert found[f'sealed_secrets_controller_build_info{{revision="{sealbridge.__version__}"}}'] == 1
    assert found[f'sealbridge_build_info{{version="{sealbridge.__version__}"}}'] == 1


@pytest.mark.parametrize("key", [EXTERNAL, STORE])
def test_the_last_look_is_told_in_nanoseconds(key: ObjectKey) -> None:
    metrics = Metrics()
    metrics.reconciled(Result(key=key, outcome=Outcome.UNCHANGED), 3.0)
    metrics.reconciled(Result(key=key, outcome=Outcome.UNCHANGED), 0.25)
    name = f'{key.kind.lower()}_reconcile_duration{{name="{key.name}",namespace="{key.namespace}"}}'
    assert samples(metrics)[name] == 250_000_000


def test_calls_to_providers_are_counted_as_upstream_does() -> None:
    metrics = Metrics()
    metrics.called("HashiCorp/Vault", "LookupSelf", ok=True)
    metrics.called("HashiCorp/Vault", "LookupSelf", ok=False)
    found = samples(metrics)
    for status in ("success", "error"):
        labels = f'call="LookupSelf",provider="HashiCorp/Vault",status="{status}"'
        assert found[f"externalsecret_provider_api_calls_count{{{labels}}}"] == 1


def test_what_is_in_sync_was_not_unsealed() -> None:
    metrics = Metrics()
    metrics.reconciled(Result(key=SEALED, outcome=Outcome.UNCHANGED), 0.1)
    assert samples(metrics)["sealed_secrets_controller_unseal_requests_total"] == 0


def test_an_external_secret_is_counted_as_upstream_does() -> None:
    metrics = Metrics()
    for outcome in (Outcome.CREATED, Outcome.FAILED):
        metrics.reconciled(Result(key=EXTERNAL, outcome=outcome), 0.1)
    found = samples(metrics)
    assert found['externalsecret_sync_calls_total{name="x",namespace="a"}'] == 2
    assert found['externalsecret_sync_calls_error{name="x",namespace="a"}'] == 1
    labels = 'condition="Ready",name="x",namespace="a"'
    assert found[f'externalsecret_status_condition{{{labels},status="True"}}'] == 0
    assert found[f'externalsecret_status_condition{{{labels},status="False"}}'] == 1


def test_the_age_of_values_that_are_kept_through_failures_is_told_until_it_ends() -> None:
    name = 'sealbridge_externalsecret_stale_seconds{name="x",namespace="a"}'
    metrics = Metrics()
    since = datetime.now(UTC) - timedelta(hours=2)
    metrics.reconciled(Result(key=EXTERNAL, outcome=Outcome.FAILED, stale_since=since), 0.1)
    first = samples(metrics)[name]
    assert 7200 <= first < 7300
    assert samples(metrics)[name] > first
    metrics.reconciled(Result(key=EXTERNAL, outcome=Outcome.FAILED), 0.1)
    assert name not in samples(metrics)
    metrics.reconciled(Result(key=EXTERNAL, outcome=Outcome.FAILED, stale_since=since), 0.1)
    metrics.reconciled(Result(key=EXTERNAL, outcome=Outcome.UNCHANGED), 0.1)
    assert name not in samples(metrics)


def test_a_store_has_its_condition() -> None:
    metrics = Metrics()
    metrics.reconciled(Result(key=STORE, outcome=Outcome.VALID), 0.1)
    found = samples(metrics)
    labels = 'condition="Ready",name="s",namespace=""'
    assert found[f'clustersecretstore_status_condition{{{labels},status="True"}}'] == 1


@pytest.mark.parametrize("key", [SEALED, EXTERNAL, STORE])
def test_of_what_is_gone_nothing_is_told(key: ObjectKey) -> None:
    metrics = Metrics()
    metrics.reconciled(Result(key=key, outcome=Outcome.FAILED), 0.1)
    metrics.reconciled(Result(key=key, outcome=Outcome.GONE), 0.1)
    assert not [name for name in samples(metrics) if f'name="{key.name}"' in name]


def test_what_is_skipped_has_no_condition() -> None:
    metrics = Metrics()
    metrics.reconciled(Result(key=EXTERNAL, outcome=Outcome.SKIPPED), 0.1)
    assert not [name for name in samples(metrics) if 'name="x"' in name]


async def test_the_queue_is_told_when_asked() -> None:
    metrics, queue = Metrics(), WorkQueue[ObjectKey]()
    metrics.watch_queue(queue)
    queue.add(SEALED)
    queue.retry(EXTERNAL, at_least=100)
    found = samples(metrics)
    assert (found["sealbridge_queue_depth"], found["sealbridge_queue_delayed"]) == (1, 1)
    assert (found["sealbridge_queue_retries"], found["sealbridge_queue_adds"]) == (1, 1)


def test_requests_decryptions_and_drift_are_counted() -> None:
    metrics = Metrics()
    metrics.requested("GET", "secrets", 200)
    metrics.decrypted()
    metrics.drifted("a")
    metrics.watch_restarted()
    metrics.swept(12.0)
    found = samples(metrics)
    assert found['sealbridge_api_requests_total{code="200",resource="secrets",verb="GET"}'] == 1
    assert found["sealbridge_decryptions_total"] == 1
    assert found['sealbridge_drift_total{namespace="a"}'] == 1
    assert found["sealbridge_watch_restarts_total"] == 1
    assert found["sealbridge_last_sweep_timestamp_seconds"] == 12


def test_two_operators_in_one_process_have_metrics_of_their_own() -> None:
    one, other = Metrics(), Metrics()
    one.decrypted()
    assert samples(other)["sealbridge_decryptions_total"] == 0
