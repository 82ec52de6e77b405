"""Manifests that are to keep the operator busy: each fails or ends alone, and others go on meanwhile."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.canary import Canary
from tests.e2e.world import Manifest, World, eventually, external_secret, fake_store
from tests.servers.operator import Operator

# What a user waits for an edit of his own while others do their worst, in seconds.
_PROMPT = 10.0
_LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def bombs(namespace: str) -> dict[str, Manifest]:
    def bomb(name: str, data_from: list[Manifest] | None = None, **target: Any) -> Manifest:
        made = external_secret(namespace, name, store="big", password="small")
        if data_from is not None:
            made["spec"] |= {"data": [], "dataFrom": data_from}
        made["spec"]["target"] = target
        return made

    def rewritten(name: str, key: str, *operations: Manifest) -> Manifest:
        return bomb(name, [{"extract": {"key": key}, "rewrite": list(operations)}])

    def rendered(name: str, text: str) -> Manifest:
        return bomb(name, template={"data": {"a": text}})

    double = {"regexp": {"source": "k", "target": "kk"}}
    pattern = {"regexp": {"source": "((k*)*)*" * 40, "target": "$1$1"}}
    slow = "{{ range $i := until 30000 }}{{ end }}{{ .value }}x"
    made = [
        rewritten("doubling", "some", *[double] * 60),
        rewritten("pattern", "some", *[pattern] * 20),
        rewritten("slow-names", "many", {"transform": {"template": slow}}),
        bomb("many", [{"extract": {"key": "many"}, "rewrite": [double]}] * 100),
        rendered("loops", "{{ range until 90000 }}{{ range until 90000 }}{{ end }}{{ end }}"),
        rendered("growing", "{{ repeat 1000000 (repeat 1000000 .password) }}"),
        rendered("keys", "{{ range until 10000 }}{{ genPrivateKey `rsa` }}{{ end }}"),
        rendered("calls-itself", "{{ define `x` }}{{ template `x` }}{{ end }}{{ template `x` }}"),
        bomb("laughs", template={"templateFrom": [{"literal": _LAUGHS}]}),
        bomb("deep", [{"extract": {"key": "deep"}}]),
    ]
    return {one["metadata"]["name"]: one for one in made}


def test_others_go_on_while_one_tenant_does_his_worst(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    value = canary("small")
    big = {
        "small": value,
        "some": json.dumps({f"k{number}": "v" for number in range(2000)}),
        "many": json.dumps({f"k{number}": "v" for number in range(20000)}),
        "deep": '{"a":' + "[" * 20000 + "]" * 20000 + "}",
    }
    made = bombs(namespace)
    world.create(fake_store(namespace, "big", big))
    eventually(lambda: world.condition("SecretStore", namespace, "big"), what="the store")
    for one in made.values():
        world.create(one)
    for number in range(5):
        name = f"other-{number}"
        began = time.monotonic()
        world.create(external_secret(namespace, name, store="big", password="small"))
        eventually(lambda name=name: name in world.secrets(namespace), what=name)
        assert time.monotonic() - began < _PROMPT
    assert operator.fetch("/healthz")[0] == 200
    for name in made:
        eventually(
            lambda name=name: world.condition("ExternalSecret", namespace, name).get("status"),
            what=f"the end of {name}",
            timeout=120,
        )
    told = {name: world.condition("ExternalSecret", namespace, name) for name in made}
    assert {name: one["status"] for name, one in told.items()} == dict.fromkeys(made, "False")
    canary.seen(json.dumps(told), "conditions of bombs")
    assert operator.is_running


def test_an_object_of_the_largest_annotations_is_as_any_other(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    made = external_secret(namespace, "annotated", store="s", password="a")
    made["metadata"]["annotations"] = {"example.com/note": "x" * 250_000}
    world.create(fake_store(namespace, "s", {"a": canary("annotated")}))
    world.create(made)
    eventually(
        lambda: world.condition("ExternalSecret", namespace, "annotated").get("status"), what="the condition"
    )
    assert operator.is_running


@pytest.mark.parametrize("entries", [4000])
def test_an_object_of_many_entries_is_as_any_other(
    world: World, operator: Operator, namespace: str, canary: Canary, entries: int
) -> None:
    value = canary("many entries")
    made = external_secret(
        namespace, "wide", store="s", **{f"k{number}": f"a{number}" for number in range(entries)}
    )
    world.create(fake_store(namespace, "s", {"a0": value}))
    world.create(made)
    eventually(
        lambda: world.condition("ExternalSecret", namespace, "wide").get("status") == "False",
        what="the condition",
    )
    message = world.condition("ExternalSecret", namespace, "wide")["message"]
    assert "failures" in message or "NotFound" in message
    assert len(message) < 32768
