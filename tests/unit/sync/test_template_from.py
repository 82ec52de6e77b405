"""Templates of other objects and of literals: what they make and which of them wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sealbridge.errors import SealbridgeError, TemplateError, TemplateSyntaxError
from sealbridge.secret import Secret, Value
from sealbridge.sync.model import ExternalSecret, parse
from sealbridge.sync.template import TemplateSource, build_target, template_sources
from tests.canary import Canary

ITEMS = {"user": Value(b"bob"), "password": Value(b"pw")}
CM, SEC = TemplateSource("ConfigMap", "cm"), TemplateSource("Secret", "sec")


def external_secret(**template: Any) -> ExternalSecret:
    return parse(
        {
            "apiVersion": "external-secrets.io/v1",
            "metadata": {"name": "es", "namespace": "ns"},
            "spec": {
                "secretStoreRef": {"name": "s"},
                "data": [{"secretKey": "k", "remoteRef": {"key": "app"}}],
                "target": {"template": template},
            },
        }
    )


def made(
    *places: dict[str, Any],
    texts: Mapping[TemplateSource, Mapping[str, str]] | None = None,
    items: Mapping[str, Value] = ITEMS,
    **template: Any,
) -> Secret:
    wanted = external_secret(templateFrom=list(places), **template)
    sources = {source: (texts or {}).get(source, {}) for source in template_sources(wanted)}
    return build_target(wanted, items, sources)


def data(secret: Secret) -> dict[str, str]:
    return {key: value.reveal().decode() for key, value in secret.items.items()}


def config_map(*keys: str, scope: str = "Values", **more: Any) -> dict[str, Any]:
    return {"configMap": {"name": "cm", "items": [{"key": k, "templateAs": scope} for k in keys]}, **more}


def from_secret(*keys: str, scope: str = "Values", **more: Any) -> dict[str, Any]:
    return {"secret": {"name": "sec", "items": [{"key": k, "templateAs": scope} for k in keys]}, **more}


def literal(text: str, **more: Any) -> dict[str, Any]:
    return {"literal": text, **more}


@pytest.mark.parametrize(
    ("place", "texts", "items"),
    [
        (config_map("a"), {CM: {"a": "{{ .user }}!", "unused": "{{"}}, {"a": "bob!"}),
        (from_secret("a"), {SEC: {"a": "{{ .user }}!"}}, {"a": "bob!"}),
        (config_map("a", "b"), {CM: {"a": "1", "b": "2"}}, {"a": "1", "b": "2"}),
        (
            config_map("a", scope="KeysAndValues"),
            {CM: {"a": "{{ .user }}: {{ .password }}\nx: z"}},
            {"bob": "pw", "x": "z"},
        ),
        (from_secret("a", scope="KeysAndValues"), {SEC: {"a": "k: v"}}, {"k": "v"}),
        (literal("{{ .user }}: {{ .password | upper }}"), {}, {"bob": "PW"}),
        (literal("{{ range $k, $v := . }}{{ $k }}-copy: {{ $v }}\n{{ end }}"), {}, {
            "user-copy": "bob", "password-copy": "pw",
        }),
        (literal(""), {}, {}),
        (literal("# nothing"), {}, {}),
        ({"configMap": {"name": "cm", "items": []}}, {CM: {"a": "1"}}, {}),
    ],
)  # fmt: skip
def test_templates_of_others_make_items(
    place: dict[str, Any], texts: dict[TemplateSource, dict[str, str]], items: dict[str, str]
) -> None:
    assert data(made(place, texts=texts)) == items


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "true"),
        ("off", "false"),
        ("12", "12"),
        ("0x10", "16"),
        ("012", "10"),
        ("1.50", "1.5"),
        ("1e6", "1e+06"),
        ("~", ""),
        ("'yes'", "yes"),
        ("2026-01-01", "2026-01-01"),
        ("12:30", "12:30"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("text # comment", "text"),
    ],
)
def test_scalars_of_a_yaml_map_become_text_as_in_go(written: str, value: str) -> None:
    assert data(made(literal(f"k: {written}"))) == {"k": value}


def test_data_wins_over_template_from_and_literals_over_secrets_over_config_maps() -> None:
    texts = {CM: {"a": "cm", "b": "cm", "c": "cm", "d": "cm"}, SEC: {"a": "sec", "b": "sec", "c": "sec"}}
    place = {**config_map("a", "b", "c", "d"), **from_secret("a", "b", "c"), **literal("a: lit\nb: lit")}
    assert data(made(place, texts=texts, data={"a": "data"})) == {
        "a": "data", "b": "lit", "c": "sec", "d": "cm",
    }  # fmt: skip


def test_later_entries_win() -> None:
    assert data(made(literal("k: first\nl: x"), literal("k: last"))) == {"k": "last", "l": "x"}


@pytest.mark.parametrize(
    ("template", "items"),
    [
        ({}, {"k": "v"}),
        ({"mergePolicy": "Merge"}, {"user": "lit", "password": "pw", "k": "v"}),
        ({"mergePolicy": "Merge", "data": {"user": "data"}}, {"user": "data", "password": "pw", "k": "v"}),
    ],
)
def test_the_stores_items_stay_only_where_templates_are_merged(
    template: dict[str, Any], items: dict[str, str]
) -> None:
    text = "k: v\nuser: lit" if "mergePolicy" in template else "k: v"
    assert data(made(literal(text), **template)) == items


def test_labels_and_annotations_can_come_from_templates_and_metadata_wins() -> None:
    secret = made(
        config_map("owner", target="Labels"),
        literal("note: '{{ .user }}'\nteam: lit", target="Annotations"),
        literal("owner: literal\ntier: '1'", target="Labels"),
        texts={CM: {"owner": "{{ .user }}"}},
        mergePolicy="Merge",
        metadata={"labels": {"tier": "{{ 2 }}"}, "annotations": {"team": "own"}},
    )
    labels = {key: value for key, value in secret.labels.items() if "/" not in key}
    annotations = {key: value for key, value in secret.annotations.items() if "/" not in key}
    assert labels == {"owner": "literal", "tier": "2"}
    assert annotations == {"note": "bob", "team": "own"}
    assert data(secret) == {"user": "bob", "password": "pw"}


def test_rendered_values_are_decoded_and_keys_are_not() -> None:
    secret = made(
        literal("aGk: aGk="),
        literal("note: aGk=", target="Annotations"),
        data={"b": "{{ .user | b64enc }}"},
        valuesDecodingStrategy="Base64",
    )
    assert data(secret) == {"aGk": "hi", "b": "bob"}
    assert secret.annotations["note"] == "aGk="


def test_finalizers_are_those_of_the_template() -> None:
    assert made(metadata={"finalizers": ["example.com/keep"]}).metadata == {
        "finalizers": ["example.com/keep"]
    }
    assert made().metadata == {}


def test_binary_templates_and_values_come_through() -> None:
    texts = {SEC: {"a": b"\xff{{ .raw }}".decode("utf-8", "surrogateescape")}}
    secret = made(from_secret("a"), texts=texts, items={"raw": Value(b"\xfe\x00")})
    assert secret.items == {"a": Value(b"\xff\xfe\x00")}


@pytest.mark.parametrize(
    ("place", "texts", "error"),
    [
        (
            config_map("gone"),
            {CM: {"a": "1"}},
            "spec.target.template.templateFrom[0].configMap: configMap 'cm' has no entry 'gone'",
        ),
        (
            from_secret("gone"),
            {},
            "spec.target.template.templateFrom[0].secret: secret 'sec' has no entry 'gone'",
        ),
        (
            config_map("a"),
            {CM: {"a": "{{ .nosuch }}"}},
            "spec.target.template.templateFrom[0].configMap(cm).a:1:",
        ),
        (
            config_map("a"),
            {CM: {"a": "{{ end"}},
            "spec.target.template.templateFrom[0].configMap(cm).a:1:",
        ),
        (literal("- a"), {}, "spec.target.template.templateFrom[0].literal: it makes YAML that is no map"),
        (literal("text"), {}, "spec.target.template.templateFrom[0].literal: it makes YAML that is no map"),
        (literal("a: [1]"), {}, "spec.target.template.templateFrom[0].literal: the value of a key"),
        (literal("a: {b: c}"), {}, "spec.target.template.templateFrom[0].literal: the value of a key"),
        (literal('a: "open'), {}, "spec.target.template.templateFrom[0].literal: it makes no YAML: "),
        (literal("{{ .nosuch }}: x"), {}, "spec.target.template.templateFrom[0].literal:1:"),
        (
            literal("a b: c"),
            {},
            "spec.target.template.templateFrom[0].literal: it makes a key that no Secret can have",
        ),
    ],
)
def test_what_cannot_be_made_says_where(
    place: dict[str, Any], texts: dict[TemplateSource, dict[str, str]], error: str
) -> None:
    with pytest.raises(SealbridgeError) as caught:
        made(place, texts=texts)
    assert str(caught.value).startswith(error)


def test_a_broken_template_of_another_object_is_no_mistake_of_this_one() -> None:
    """So that it is tried again: nobody edits the ExternalSecret to put it right."""
    with pytest.raises(TemplateError) as caught:
        made(config_map("a"), texts={CM: {"a": "{{"}})
    assert not isinstance(caught.value, TemplateSyntaxError)
    with pytest.raises(TemplateSyntaxError):
        made(literal("{{"))


def test_a_value_that_breaks_the_yaml_is_not_shown(canary: Canary) -> None:
    secret = canary("value")
    for text in (f'"{secret}', f"[{secret}", f"x: y: {secret}"):
        with pytest.raises(TemplateError) as caught:
            made(literal("k: {{ .user }}"), items={"user": Value(text.encode())})
        assert secret not in str(caught.value)


def test_what_is_decoded_wrongly_is_told_by_its_key_and_not_shown(canary: Canary) -> None:
    secret = canary("value")
    with pytest.raises(TemplateError) as caught:
        made(
            literal("k: {{ .user }}"),
            items={"user": Value(secret.encode() + b"!")},
            valuesDecodingStrategy="Base64",
        )
    assert str(caught.value) == (
        "spec.target.template.templateFrom[0].literal: the value of a key: the value is not what"
        " valuesDecodingStrategy Base64 expects"
    )


def test_every_source_is_read_once() -> None:
    wanted = external_secret(templateFrom=[config_map("a"), from_secret("b"), config_map("c")])
    assert template_sources(wanted) == [CM, SEC]
