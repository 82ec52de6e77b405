"""Templates of both kinds, rendered by a running operator on a real API server."""

from __future__ import annotations

import base64
import json

from tests.canary import Canary
from tests.docs.template_values import template_values
from tests.e2e.world import World, eventually, external_secret, fake_store, sealed_secret
from tests.servers.operator import Operator

_CONFIG = """\
users:
{{- range $number, $user := splitList "," .users }}
  - {{ $number }}: {{ $user | trim | upper }}
{{- else }}
  none
{{- end }}
url: postgres://app:{{ .password | urlquery }}@{{ .host | default "localhost" }}/shop
{{- if .none }} never {{ end }}
none: {{ .none }}
"""


def message(world: World, kind: str, namespace: str, name: str, type_: str) -> str:
    return str(world.condition(kind, namespace, name, type_).get("message", ""))


def test_a_sealed_secret_renders_its_templates(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    password = canary("in a template") + " &/é"
    sealed = sealed_secret(
        operator.certificate(), namespace, "app", {"users": "ann, bob", "password": password, "host": ""}
    )
    sealed["spec"]["template"]["data"] = {
        "config.yaml": _CONFIG,
        "auths.json": '{{ dict "auth" (printf "app:%s" .password | b64enc) | toJson }}',
    }

    world.apply([sealed])

    eventually(lambda: "app" in world.secrets(namespace), what="a Secret")
    secret = world.secrets(namespace)["app"]
    quoted = password.replace(" ", "+").replace("&", "%26").replace("/", "%2F").replace("é", "%C3%A9")
    assert secret["config.yaml"].decode() == (
        f"users:\n  - 0: ANN\n  - 1: BOB\nurl: postgres://app:{quoted}@localhost/shop\nnone: <no value>\n"
    )
    auth = json.loads(secret["auths.json"])["auth"]
    assert base64.b64decode(auth).decode() == f"app:{password}"


def test_an_external_secret_makes_a_tls_secret_of_a_pkcs12_file(
    world: World, operator: Operator, namespace: str
) -> None:
    values = template_values()
    bundle = base64.b64encode(values["p12"]).decode()
    tls = external_secret(namespace, "tls", bundle={"key": "bundle", "decodingStrategy": "Base64"})
    tls["spec"]["target"] = {
        "template": {
            "type": "kubernetes.io/tls",
            "metadata": {"labels": {"host": "{{ index (.bundle | pkcs12cert | certSANs) 0 }}"}},
            "data": {"tls.crt": "{{ .bundle | pkcs12cert }}", "tls.key": "{{ .bundle | pkcs12key }}"},
        }
    }

    world.apply([fake_store(namespace, "fake", {"bundle": bundle}), tls])

    eventually(lambda: "tls" in world.secrets(namespace), what="a Secret")
    assert world.secrets(namespace)["tls"] == {"tls.crt": values["crt"], "tls.key": values["key"]}
    made = world.get("Secret", namespace, "tls")
    assert (made["type"], made["metadata"]["labels"]["host"]) == ("kubernetes.io/tls", "example.com")


def test_templates_that_fail_say_where_and_show_no_value(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    value = canary("in a failing template")
    sealed = sealed_secret(operator.certificate(), namespace, "sealed", {"a": value})
    sealed["spec"]["template"]["data"] = {"cfg": "line 1\n{{ fail .a }}"}
    bomb = sealed_secret(operator.certificate(), namespace, "bomb", {"a": value})
    bomb["spec"]["template"]["data"] = {
        "cfg": '{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}'
    }
    external = external_secret(namespace, "external", a="a")
    external["spec"]["target"] = {"template": {"data": {"cfg": "{{ .a | mustFromJson }}"}}}

    world.apply([fake_store(namespace, "fake", {"a": value}), sealed, bomb, external])

    expected = {
        ("SealedSecret", "sealed", "Synced"): "cfg:2:4: the template fails on purpose, in `fail .a`",
        ("SealedSecret", "bomb", "Synced"): "more than 100 templates and blocks run within each other",
        ("ExternalSecret", "external", "Ready"): "`mustFromJson` failed: ",
    }
    for (kind, name, type_), text in expected.items():
        eventually(lambda k=kind, n=name, t=type_, x=text: x in message(world, k, namespace, n, t), what=text)
    assert world.secrets(namespace) == {}
