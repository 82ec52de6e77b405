"""The target Secret: items, metadata and hashes, with and without a template."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.errors import ManifestError, TemplateError
from sealbridge.secret import Secret, Value
from sealbridge.sync.fingerprints import created_by, data_hash
from sealbridge.sync.model import parse
from sealbridge.sync.template import build_target

ITEMS = {"user": Value(b"bob"), "bin": Value(b"\xff\x00"), "dash-ed": Value(b"d")}


def target(items: dict[str, Value] | None = None, **target: Any) -> Secret:
    external_secret = parse(
        {
            "apiVersion": "external-secrets.io/v1",
            "metadata": {
                "name": "es",
                "namespace": "ns",
                "labels": {"app": "shop"},
                "annotations": {"note": "kept"},
            },
            "spec": {
                "secretStoreRef": {"name": "s"},
                "data": [{"secretKey": "k", "remoteRef": {"key": "app"}}],
                "target": target,
            },
        }
    )
    return build_target(external_secret, ITEMS if items is None else items)


def own_labels() -> dict[str, str]:
    return {
        "reconcile.external-secrets.io/managed": "true",
        "reconcile.external-secrets.io/created-by": created_by("ns", "es"),
        "sealbridge.io/managed": "true",
    }


def test_without_a_template_items_labels_and_annotations_are_copied() -> None:
    secret = target()
    assert secret == Secret(
        name="es",
        namespace="ns",
        type="",  # whoever writes it keeps the type that is there, or takes the default
        items=ITEMS,
        labels={"app": "shop", **own_labels()},
        annotations={"note": "kept", "reconcile.external-secrets.io/data-hash": data_hash(ITEMS)},
    )


def test_an_empty_template_keeps_the_items_and_copies_no_metadata() -> None:
    secret = target(template={})
    assert secret.items == ITEMS
    assert secret.labels == own_labels()
    assert set(secret.annotations) == {"reconcile.external-secrets.io/data-hash"}


def test_a_template_makes_items_type_and_metadata() -> None:
    secret = target(
        name="other",
        immutable=True,
        template={
            "type": "kubernetes.io/basic-auth",
            "metadata": {"labels": {"who": "{{ .user }}"}, "annotations": {"a": '{{ index . "dash-ed" }}!'}},
            "data": {"username": "{{ .user }}", "static": "text"},
        },
    )
    items = {"username": Value(b"bob"), "static": Value(b"text")}
    assert (secret.name, secret.type, secret.immutable) == ("other", "kubernetes.io/basic-auth", True)
    assert secret.items == items
    assert secret.labels == {"who": "bob", **own_labels()}
    assert secret.annotations == {"a": "d!", "reconcile.external-secrets.io/data-hash": data_hash(items)}


def test_merging_keeps_the_items_beside_those_of_the_template() -> None:
    secret = target(template={"mergePolicy": "Merge", "data": {"user": "<{{ .user }}>", "new": "n"}})
    assert secret.items == ITEMS | {"user": Value(b"<bob>"), "new": Value(b"n")}


def test_binary_values_pass_through_a_template_unchanged() -> None:
    secret = target(template={"data": {"copy": "{{ .bin }}"}})
    assert secret.items == {"copy": Value(b"\xff\x00")}


def test_own_labels_and_the_hash_win_over_those_of_a_template() -> None:
    template = {
        "metadata": {
            "labels": {"reconcile.external-secrets.io/managed": "false"},
            "annotations": {"reconcile.external-secrets.io/data-hash": "x"},
        }
    }
    secret = target(template=template)
    assert secret.labels == own_labels()
    assert secret.annotations["reconcile.external-secrets.io/data-hash"] == data_hash(ITEMS)


@pytest.mark.parametrize(
    ("template", "error"),
    [
        (
            {"data": {"cfg": "a\n{{ .nobody }}"}},
            "spec.target.template.data.cfg:2:4: there is no key `nobody`, in `.nobody`",
        ),
        (
            {"data": {"cfg": "{{ .user | uper }}"}},
            "spec.target.template.data.cfg:1:12: there is no function `uper`",
        ),
        (
            {"metadata": {"labels": {"l": "{{ .nobody }}"}}},
            "spec.target.template.metadata.labels.l:1:4: there is no key `nobody`, in `.nobody`",
        ),
    ],
)
def test_a_template_that_fails_is_named_with_its_place(template: dict[str, Any], error: str) -> None:
    with pytest.raises(TemplateError) as caught:
        target(template=template)
    assert str(caught.value) == error
    assert "bob" not in f"{caught.value} {caught.value.hint}"


def test_a_value_that_is_no_text_cannot_become_a_label() -> None:
    with pytest.raises(TemplateError) as caught:
        target(template={"metadata": {"labels": {"l": "{{ .bin }}"}}})
    assert caught.value.where == "spec.target.template.metadata.labels.l"


def test_a_key_that_kubernetes_refuses_is_refused_before_but_may_feed_a_template() -> None:
    items = {"schlüssel": Value(b"v")}
    with pytest.raises(ManifestError, match="'schlüssel' cannot be a key of a Secret"):
        target(items)
    assert target(items, template={"data": {"k": "{{ .schlüssel }}"}}).items == {"k": Value(b"v")}
