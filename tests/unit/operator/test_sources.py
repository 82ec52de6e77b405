"""Whose source a Secret is."""

from __future__ import annotations

from typing import Any

from sealbridge.operator.sources import Sources
from sealbridge.reconcile.kinds import ObjectKey


def key(name: str, namespace: str = "ns") -> ObjectKey:
    return ObjectKey("PushSecret", namespace, name)


def taking(**secret: Any) -> dict[str, Any]:
    return {"spec": {"selector": {"secret": secret}}}


def test_a_secret_concerns_those_that_name_it_and_those_whose_labels_it_has() -> None:
    sources = Sources()
    sources.set(key("named"), taking(name="db"))
    sources.set(key("labelled"), taking(selector={"matchLabels": {"a": "b"}}))
    sources.set(key("elsewhere", "other"), taking(name="db"))
    sources.set(key("generated"), {"spec": {"selector": {"generatorRef": {}}}})
    sources.set(key("odd"), {"spec": {"selector": {"secret": {"selector": {"matchExpressions": 1}}}}})
    assert sources.concerned("ns", "db", {}) == [key("named")]
    assert sources.concerned("ns", "db", {"a": "b"}) == [key("labelled"), key("named")]
    assert sources.concerned("ns", "x", {"a": "c"}) == []
    assert sources.concerned("nowhere", "db", {}) == []


def test_it_tells_when_namespaces_come_and_go() -> None:
    sources, told = Sources(), []
    sources.changed = lambda: told.append(sources.namespaces)
    sources.set(key("a"), taking(name="db"))
    sources.set(key("b"), taking(name="db"))
    sources.set(key("a"), None)
    sources.set(key("b"), {"spec": {"selector": {"generatorRef": {}}}})
    sources.set(key("c"), None)
    assert told == [{"ns"}, frozenset()]
