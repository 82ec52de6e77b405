from __future__ import annotations

import pytest

from sealbridge.errors import TemplateError
from sealbridge.reconcile.target import target_secret
from sealbridge.sealing.sealed_secret import SealedSecret, SecretTemplate
from sealbridge.secret import Value


def target(items: dict[str, bytes], **template: str) -> dict[str, bytes]:
    sealed = SealedSecret(name="db", namespace="shop", template=SecretTemplate(data=template))
    secret = target_secret(sealed, {key: Value(value) for key, value in items.items()})
    return {key: value.reveal() for key, value in secret.items.items()}


@pytest.mark.parametrize(
    ("items", "template", "result"),
    [
        ({"a": b"1"}, {}, {"a": b"1"}),
        ({"a": b"1"}, {"b": "<{{ .a }}>"}, {"a": b"1", "b": b"<1>"}),
        ({}, {"b": "text"}, {"b": b"text"}),
        # an item wins over a template of the same key, in the result and in the dot
        ({"a": b"sealed"}, {"a": "open", "b": "{{ .a }}"}, {"a": b"sealed", "b": b"sealed"}),
        # which is not even rendered then
        ({"a": b"sealed"}, {"a": "{{ broken"}, {"a": b"sealed"}),
        # siblings are seen unrendered
        ({}, {"a": "{{ .b }}", "b": "<{{ .c }}>"}, {"a": b"<{{ .c }}>", "b": b"<<no value>>"}),
        ({"a.b": b"1"}, {"c": '{{ index . "a.b" }}'}, {"a.b": b"1", "c": b"1"}),
        # bytes that are not UTF-8 pass through a template unharmed
        ({"a": b"\xff\x00\xfe"}, {"b": "<{{ .a }}>"}, {"a": b"\xff\x00\xfe", "b": b"<\xff\x00\xfe>"}),
    ],
)
def test_items_and_templates_are_joined_as_the_controller_joins_them(
    items: dict[str, bytes], template: dict[str, str], result: dict[str, bytes]
) -> None:
    assert target(items, **template) == result


def test_name_and_namespace_are_the_sealed_secrets_and_the_rest_is_the_templates() -> None:
    template = SecretTemplate(
        type="Opaque",
        immutable=True,
        labels={"l": "1"},
        annotations={"a": "2"},
        metadata={"finalizers": ["f"]},
    )
    sealed = SealedSecret(
        name="db", namespace="shop", template=template, labels={"outer": "x"}, annotations={"outer": "y"}
    )
    assert target_secret(sealed, {}).to_manifest() == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "db",
            "namespace": "shop",
            "labels": {"l": "1"},
            "annotations": {"a": "2"},
            "finalizers": ["f"],
        },
        "data": {},
        "type": "Opaque",
        "immutable": True,
    }


@pytest.mark.parametrize("source", ["{{ .a", "{{ .a.b }}", "{{ env }}"])
def test_a_template_that_fails_is_named_and_shows_no_value(source: str) -> None:
    with pytest.raises(TemplateError) as caught:
        target({"a": b"correct horse"}, url=source)
    assert caught.value.where is not None
    assert caught.value.where.startswith("spec.template.data.url")
    assert "horse" not in f"{caught.value} {caught.value.hint}"
