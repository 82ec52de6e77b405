"""What a tenant may write into his own namespace, and what he must not get by it: one table.

Each attack is a few manifests of the tenant, the object that is to refuse it, and what he is told.
The API server may refuse it as well, by the schema: then there is nothing to look at.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from sealbridge.sealing.keys import KEY_LABEL
from tests.canary import Canary
from tests.e2e.test_stores import LABEL, here, secret, store
from tests.e2e.world import (
    NAMESPACE,
    Manifest,
    World,
    eventually,
    external_secret,
    fake_store,
    sealed_secret,
)
from tests.servers.apiserver import ApiError, ApiServer
from tests.servers.odd import OddServer, Request, odd_server
from tests.servers.operator import Operator

GENERATORS = "generators.external-secrets.io/v1alpha1"
FOREIGN = "of another namespace"
UNREACHABLE = "may not reach"
SOMEBODY = "was made by somebody else"


class Scene(NamedTuple):
    """The tenant's namespace, that of somebody else, and a service that only the machine may reach."""

    world: World
    mine: str
    theirs: str
    loopback: OddServer
    value: str  # in their Secret `cred`
    own: str  # in the tenant's Secrets: his, but for no log, event or status


class Attack(NamedTuple):
    """`told` is in the condition Ready of the object `kind` called `name` after the attack."""

    name: str
    kind: str
    told: str
    manifests: Callable[[Scene, str], list[Manifest]]


ATTACKS: list[Attack] = []


def attack(told: str, kind: str = "ExternalSecret") -> Callable[[Any], Any]:
    """Note what makes the manifests of one attack; the object to look at has the attack's own name."""

    def note(make: Callable[[Scene, str], list[Manifest]]) -> Callable[[Scene, str], list[Manifest]]:
        ATTACKS.append(Attack(make.__name__.replace("_", "-"), kind, told, make))
        return make

    return note


def reads(scene: Scene, name: str, **spec: Any) -> Manifest:
    """An ExternalSecret over the tenant's own fake store."""
    made = external_secret(scene.mine, name, store="own", password="password")
    made["spec"] |= spec
    return made


def templated(scene: Scene, name: str, **template: Any) -> list[Manifest]:
    return [reads(scene, name, target={"template": template})]


def of_cluster(manifest: Manifest) -> Manifest:
    manifest["spec"]["secretStoreRef"]["kind"] = "ClusterSecretStore"
    return manifest


def limited(scene: Scene, name: str, *conditions: Manifest) -> list[Manifest]:
    """A store of the cluster under conditions, and the tenant who tries to use it."""
    full = f"{name}-{scene.mine}"
    made = store("", full, "fake", {"data": [{"key": "a", "value": scene.value}]}, cluster=True)
    made["spec"]["conditions"] = list(conditions)
    return [made, of_cluster(external_secret(scene.mine, name, store=full, a="a"))]


# Another namespace by a name or a reference.


@attack("not a name that Kubernetes takes")
def store_of_another_namespace_by_a_path(scene: Scene, name: str) -> list[Manifest]:
    return [external_secret(scene.mine, name, store=f"../../{scene.theirs}/secretstores/own", a="a")]


@attack("there is no SecretStore")
def store_of_another_namespace_by_its_name(scene: Scene, name: str) -> list[Manifest]:
    return [external_secret(scene.mine, name, store="theirs", a="a")]


@attack("there is no SecretStore")
def store_of_another_namespace_by_a_field_that_is_not_there(scene: Scene, name: str) -> list[Manifest]:
    made = external_secret(scene.mine, name, store="theirs", a="a")
    made["spec"]["secretStoreRef"]["namespace"] = scene.theirs
    return [made]


@attack("not a name that Kubernetes takes")
def store_of_one_entry_by_a_path(scene: Scene, name: str) -> list[Manifest]:
    made = reads(scene, name)
    reference = {"storeRef": {"name": f"../../{scene.theirs}/secretstores/theirs"}}
    made["spec"]["data"][0]["sourceRef"] = reference
    return [made]


@attack("not a name that Kubernetes takes")
def template_from_a_path(scene: Scene, name: str) -> list[Manifest]:
    reference = {"name": f"../../{scene.theirs}/secrets/cred", "items": [{"key": "token"}]}
    return templated(scene, name, templateFrom=[{"secret": reference}])


@attack('there is no Secret "cred"')
def template_from_a_secret_of_another_namespace(scene: Scene, name: str) -> list[Manifest]:
    reference = {"name": "cred", "items": [{"key": "token"}]}
    return templated(scene, name, templateFrom=[{"secret": reference}])


@attack('there is no ConfigMap "texts"')
def template_from_a_config_map_of_another_namespace(scene: Scene, name: str) -> list[Manifest]:
    reference = {"name": "texts", "items": [{"key": "a"}]}
    return templated(scene, name, templateFrom=[{"configMap": reference}])


def generated(scene: Scene, name: str, kind: str, generator: str) -> list[Manifest]:
    reference = {"apiVersion": GENERATORS, "kind": kind, "name": generator}
    return [reads(scene, name, data=[], dataFrom=[{"sourceRef": {"generatorRef": reference}}])]


@attack('there is no Fake "theirs"')
def generator_of_another_namespace(scene: Scene, name: str) -> list[Manifest]:
    return generated(scene, name, "Fake", "theirs")


@attack("not a name that Kubernetes takes")
def generator_by_a_path(scene: Scene, name: str) -> list[Manifest]:
    return generated(scene, name, "Fake", f"../../{scene.theirs}/fakes/theirs")


@attack("not supported")
def generator_that_points_elsewhere(scene: Scene, name: str) -> list[Manifest]:
    """The inner references of other generators are nobody's to follow."""
    spec = {"kind": "VaultDynamicSecret", "generator": {"vaultDynamicSecretSpec": {"path": "x"}}}
    full = f"{name}-{scene.mine}"
    cluster = {"apiVersion": GENERATORS, "kind": "ClusterGenerator", "metadata": {"name": full}, "spec": spec}
    return [cluster, *generated(scene, name, "ClusterGenerator", full)]


@attack("there is no Fake")
def generator_of_another_namespace_by_a_field(scene: Scene, name: str) -> list[Manifest]:
    made = generated(scene, name, "Fake", "theirs")
    made[0]["spec"]["dataFrom"][0]["sourceRef"]["generatorRef"]["namespace"] = scene.theirs
    return made


@attack("not a name that Kubernetes takes")
def target_in_another_namespace(scene: Scene, name: str) -> list[Manifest]:
    return onto(scene, name, f"../../{scene.theirs}/secrets/cred", creationPolicy="Merge")


# Stores of the cluster.


@attack("denied by spec.condition")
def condition_on_another_name(scene: Scene, name: str) -> list[Manifest]:
    return limited(scene, name, {"namespaces": [scene.theirs]})


@attack("denied by spec.condition")
def condition_on_labels_that_the_namespace_lacks(scene: Scene, name: str) -> list[Manifest]:
    selector = {"matchLabels": {"kubernetes.io/metadata.name": scene.theirs}}
    return limited(scene, name, {"namespaceSelector": selector})


@attack("denied by spec.condition")
def condition_on_a_pattern_that_does_not_fit(scene: Scene, name: str) -> list[Manifest]:
    return limited(scene, name, {"namespaceRegexes": [f"^{scene.theirs}$", "^(a|aa)+$"]})


@attack("is no regular expression")
def condition_on_a_pattern_that_cannot_be_read(scene: Scene, name: str) -> list[Manifest]:
    return limited(scene, name, {"namespaceRegexes": ["("]})


@attack("needs a namespace")
def cluster_store_whose_ca_would_be_the_tenants(scene: Scene, name: str) -> list[Manifest]:
    full = f"{name}-{scene.mine}"
    ca = {"type": "Secret", "name": "mine", "key": "ca.crt"}
    config = {"url": "https://h.invalid", "caProvider": ca}
    made = store("", full, "webhook", config, cluster=True)
    return [made, of_cluster(external_secret(scene.mine, name, store=full, a="a"))]


# Credentials that a store of the tenant points to.


def through(scene: Scene, name: str, provider: str, config: Manifest) -> list[Manifest]:
    """A store under the attack's name, and an ExternalSecret that reads by it."""
    return [
        store(scene.mine, name, provider, config),
        external_secret(scene.mine, name, store=name, a="cred"),
    ]


def theirs(scene: Scene, key: str = "token") -> Manifest:
    return {"name": "cred", "key": key, "namespace": scene.theirs}


def certified(scene: Scene) -> Manifest:
    return {"type": "Secret", **theirs(scene)}


@attack(FOREIGN, "SecretStore")
def token_of_another_namespace(scene: Scene, name: str) -> list[Manifest]:
    server = here(scene.world)["server"]
    auth = {"token": {"bearerToken": theirs(scene)}}
    return through(scene, name, "kubernetes", {"server": server, "auth": auth})


@attack(FOREIGN, "SecretStore")
def client_certificate_of_another_namespace(scene: Scene, name: str) -> list[Manifest]:
    auth = {"cert": {"clientCert": theirs(scene), "clientKey": theirs(scene)}}
    return through(scene, name, "kubernetes", {"auth": auth})


@attack(FOREIGN, "SecretStore")
def kubeconfig_of_another_namespace(scene: Scene, name: str) -> list[Manifest]:
    return through(scene, name, "kubernetes", {"authRef": theirs(scene, "config")})


@attack("user has exec, which is not supported", "SecretStore")
def kubeconfig_that_runs_a_program(scene: Scene, name: str) -> list[Manifest]:
    return through(scene, name, "kubernetes", {"authRef": {"name": "plugin", "key": "config"}})


@attack(FOREIGN, "SecretStore")
def service_account_of_another_namespace(scene: Scene, name: str) -> list[Manifest]:
    account = {"name": "reader", "namespace": scene.theirs, "audiences": ["https://kubernetes.default"]}
    return through(scene, name, "kubernetes", {"auth": {"serviceAccount": account}})


@attack("name", "SecretStore")
def service_account_by_a_path(scene: Scene, name: str) -> list[Manifest]:
    account = {"name": f"x/../../../{scene.theirs}/serviceaccounts/reader"}
    return through(scene, name, "kubernetes", {"auth": {"serviceAccount": account}})


@attack("not a namespace", "SecretStore")
def remote_namespace_by_a_path(scene: Scene, name: str) -> list[Manifest]:
    return through(scene, name, "kubernetes", here(scene.world, remoteNamespace=f"{scene.theirs}/secrets/x"))


@attack(FOREIGN, "SecretStore")
def ca_of_another_namespace_for_a_cluster(scene: Scene, name: str) -> list[Manifest]:
    config = here(scene.world) | {"server": {"caProvider": certified(scene)}}
    return through(scene, name, "kubernetes", config)


@attack(FOREIGN, "SecretStore")
def ca_of_another_namespace_for_a_webhook(scene: Scene, name: str) -> list[Manifest]:
    return through(scene, name, "webhook", {"url": "https://h", "caProvider": certified(scene)})


@attack(FOREIGN, "SecretStore")
def ca_of_another_namespace_for_vault(scene: Scene, name: str) -> list[Manifest]:
    auth = {"tokenSecretRef": {"name": "mine", "key": "token"}}
    config = {"server": "https://h.invalid", "caProvider": certified(scene), "auth": auth}
    return through(scene, name, "vault", config)


@attack(FOREIGN, "SecretStore")
def vault_token_of_another_namespace(scene: Scene, name: str) -> list[Manifest]:
    config = {"server": "https://h.invalid", "auth": {"tokenSecretRef": theirs(scene)}}
    return through(scene, name, "vault", config)


@attack(FOREIGN, "SecretStore")
def webhook_secret_of_another_namespace(scene: Scene, name: str) -> list[Manifest]:
    reference = {"name": "cred", "namespace": scene.theirs}
    config = {"url": "http://h", "secrets": [{"name": "auth", "secretRef": reference}]}
    return through(scene, name, "webhook", config)


@attack("may not be used by webhooks", "SecretStore")
def webhook_secret_without_the_label(scene: Scene, name: str) -> list[Manifest]:
    config = {"url": "http://h", "secrets": [{"name": "auth", "secretRef": {"name": "mine"}}]}
    return through(scene, name, "webhook", config)


# Addresses that are the operator's machine's or its cloud's, however they are written.

LOOPBACK = (
    "127.0.0.1",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0",
    "①②⑦.⓪.⓪.①",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[::127.0.0.1]",
)
ELSEWHERE = (
    "169.254.169.254",
    "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "100.100.100.200",
    "168.63.129.16",
    "2852039166",
)


def _addresses() -> None:
    for number, host in enumerate((*LOOPBACK, *ELSEWHERE)):

        def webhook(scene: Scene, name: str, host: str = host) -> list[Manifest]:
            port = scene.loopback.url.rpartition(":")[2] if host in LOOPBACK else "80"
            return through(scene, name, "webhook", {"url": f"http://{host}:{port}/latest"})

        def by_key(scene: Scene, name: str, host: str = host) -> list[Manifest]:
            port = scene.loopback.url.rpartition(":")[2] if host in LOOPBACK else "80"
            made = through(scene, name, "webhook", {"url": "http://{{ .remoteRef.property }}:" + port})
            made[1]["spec"]["data"][0]["remoteRef"]["property"] = host
            return made

        def cluster(scene: Scene, name: str, host: str = host) -> list[Manifest]:
            port = scene.loopback.url.rpartition(":")[2] if host in LOOPBACK else "80"
            auth = {"serviceAccount": {"name": "reader"}}
            return through(
                scene, name, "kubernetes", {"server": {"url": f"http://{host}:{port}"}, "auth": auth}
            )

        ATTACKS.append(Attack(f"webhook-address-{number}", "SecretStore", UNREACHABLE, webhook))
        if ":" not in host and host.isascii():
            ATTACKS.append(Attack(f"webhook-key-address-{number}", "ExternalSecret", UNREACHABLE, by_key))
        if host.isascii():
            ATTACKS.append(Attack(f"kubernetes-address-{number}", "SecretStore", UNREACHABLE, cluster))


_addresses()


@attack(UNREACHABLE)
def kubeconfig_that_leads_to_the_operators_machine(scene: Scene, name: str) -> list[Manifest]:
    return through(scene, name, "kubernetes", {"authRef": {"name": "inward", "key": "config"}})


# Targets that are more than a Secret of the tenant.


@attack("not allowed")
def target_that_is_a_token_of_a_service_account(scene: Scene, name: str) -> list[Manifest]:
    annotations = {"kubernetes.io/service-account.name": "default"}
    type_ = "kubernetes.io/service-account-token"
    return templated(scene, name, type=type_, metadata={"annotations": annotations})


@attack("not allowed")
def target_that_becomes_a_token_by_a_template(scene: Scene, name: str) -> list[Manifest]:
    line = "kubernetes.io/service-account.name: default"
    return templated(
        scene,
        name,
        type="kubernetes.io/service-account-token",
        templateFrom=[{"target": "Annotations", "literal": line}],
    )


@attack("not allowed")
def target_that_is_a_bootstrap_token(scene: Scene, name: str) -> list[Manifest]:
    return templated(scene, name, type="bootstrap.kubernetes.io/token")


def onto(scene: Scene, name: str, target: str, **spec: Any) -> list[Manifest]:
    return [reads(scene, name, target={"name": target, **spec})]


@attack(SOMEBODY)
def target_that_is_a_release_of_helm(scene: Scene, name: str) -> list[Manifest]:
    return onto(scene, name, "sh.helm.release.v1.shop.v1")


@attack(SOMEBODY)
def target_that_is_somebody_elses(scene: Scene, name: str) -> list[Manifest]:
    return onto(scene, name, "manual", creationPolicy="Orphan")


@attack("is a credential of the cluster")
def merging_into_a_token_of_a_service_account(scene: Scene, name: str) -> list[Manifest]:
    return onto(scene, name, "account-token", creationPolicy="Merge")


@attack("is a credential of the cluster")
def adopting_a_token_of_a_service_account(scene: Scene, name: str) -> list[Manifest]:
    made = onto(scene, name, "account-token")
    made[0]["metadata"]["annotations"] = {"sealbridge.io/adopt": "true"}
    return made


@attack(SOMEBODY)
def forged_marks_of_another_external_secret(scene: Scene, name: str) -> list[Manifest]:
    marks = {
        "reconcile.external-secrets.io/managed": "true",
        "reconcile.external-secrets.io/created-by": "0" * 56,
        "sealbridge.io/managed": "true",
    }
    victim = secret(scene.mine, f"{name}-victim", {"a": "b"}, labels=marks)
    return [victim, *onto(scene, name, f"{name}-victim")]


@attack("target is owned by another ExternalSecret")
def target_that_another_external_secret_owns(scene: Scene, name: str) -> list[Manifest]:
    return onto(scene, name, "owned", creationPolicy="Merge")


@attack("target is owned by SealedSecret")
def target_that_a_sealed_secret_owns(scene: Scene, name: str) -> list[Manifest]:
    return onto(scene, name, "sealed", creationPolicy="Orphan")


# Values that an error might quote.


def _leaks() -> None:
    templates = {
        "fail": "{{ fail .password }}",
        "number": '{{ .password | atoi | printf "%d" | fail }}',
        "json": "{{ .password | mustFromJson }}",
        "pem": "{{ .password | filterCertChain `leaf` }}",
        "pattern": '{{ mustRegexMatch (printf "(%s" .password) "x" }}',
        "index": "{{ index .password 4096 }}",
        "field": "{{ .password.user }}",
        "date": '{{ mustToDate "2006-01-02" .password }}',
        "key": "{{ index (dict .password 1) .password | fail }}",
        "decrypt": "{{ rsaDecrypt `RSA-OAEP` `SHA256` .password .password }}",
        "version": "{{ semver .password }}",
    }
    for kind, text in templates.items():

        def data(scene: Scene, name: str, text: str = text) -> list[Manifest]:
            return templated(scene, name, data={"a": text})

        ATTACKS.append(Attack(f"leak-template-{kind}", "ExternalSecret", "could not update secret", data))
    literals = {
        "not-yaml": "{{ .password }}",
        "key": "'{{ .password }} {{ .password }}': a",
        "map": "a: {'{{ .password }}': b}",
        "nested": "'{{ .password }}': [a]",
        "broken": "a: '{{ .password }}\nb: \"{{ .password }}",
    }
    for kind, text in literals.items():
        for target in ("Data", "Labels", "Annotations"):

            def literal(scene: Scene, name: str, text: str = text, target: str = target) -> list[Manifest]:
                return templated(scene, name, templateFrom=[{"literal": text, "target": target}])

            name = f"leak-literal-{kind}-{target.lower()}"
            ATTACKS.append(Attack(name, "ExternalSecret", "could not update secret", literal))


_leaks()


@attack("could not update secret")
def leak_by_a_label_that_is_none(scene: Scene, name: str) -> list[Manifest]:
    return templated(scene, name, metadata={"labels": {"a": "{{ .password }} !"}})


@attack("could not update secret")
def leak_by_a_type_that_refuses_it(scene: Scene, name: str) -> list[Manifest]:
    return templated(
        scene, name, type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": "{{ .password }}"}
    )


@attack("has no property")
def leak_by_a_path(scene: Scene, name: str) -> list[Manifest]:
    made = reads(scene, name)
    made["spec"]["data"][0]["remoteRef"]["property"] = "a.b"
    return [made]


@attack("no keys to extract")
def leak_by_extract(scene: Scene, name: str) -> list[Manifest]:
    return [reads(scene, name, data=[], dataFrom=[{"extract": {"key": "password"}}])]


@attack("decodingStrategy Base64")
def leak_by_decoding(scene: Scene, name: str) -> list[Manifest]:
    made = reads(scene, name)
    made["spec"]["data"][0]["remoteRef"]["decodingStrategy"] = "Base64"
    return [made]


@attack("merge: the value of")
def leak_by_merge(scene: Scene, name: str) -> list[Manifest]:
    entry = {"find": {"name": {"regexp": "pass"}}, "rewrite": [{"merge": {}}]}
    return [reads(scene, name, data=[], dataFrom=[entry])]


@attack("could not get secret data")
def leak_by_the_address_of_a_webhook(scene: Scene, name: str) -> list[Manifest]:
    config = {
        "url": "http://{{ .auth.token }}.invalid/",
        "secrets": [{"name": "auth", "secretRef": {"name": "hook"}}],
    }
    return through(scene, name, "webhook", config)


@attack("could not get secret data")
def leak_by_a_path_of_a_webhook(scene: Scene, name: str) -> list[Manifest]:
    config = {
        "url": "http://{{ .auth.token }}:{{ .auth.token }}/",
        "secrets": [{"name": "auth", "secretRef": {"name": "hook"}}],
        "result": {"jsonPath": "{{ fail .auth.token }}"},
    }
    return through(scene, name, "webhook", config)


@pytest.fixture(scope="module")
def scene(world: World, apiserver: ApiServer, canary: Canary) -> Iterator[Scene]:
    def answer(request: Request) -> None:
        request.reply(b"internal")

    mine, theirs_ = (f"{role}-{secrets.token_hex(4)}" for role in ("tenant", "victim"))
    for name in (mine, theirs_):
        apiserver.ensure_namespace(name)
        apiserver.ensure_service_account(name, "reader")
    value, own = canary("a value of somebody else"), canary("the tenant's own value")
    operator = world.operator()
    operator.start()
    with odd_server(answer) as loopback:
        made = Scene(world, mine, theirs_, loopback, value, own)
        world.apply(_surroundings(made, operator))
        for owned in ("owned", "sealed"):
            eventually(lambda owned=owned: owned in world.secrets(mine), what=owned)
        yield made
        assert loopback.connections == 0
    for name in (mine, theirs_):
        canary.seen(json.dumps([e["message"] for e in world.events(name)]), f"events of {name}")
        for kind in ("SecretStore", "ExternalSecret"):
            for obj in world.all(kind, name):
                canary.seen(json.dumps(obj.get("status")), f"status of {kind} {obj['metadata']['name']}")
    assert operator.stop() == 0
    for name in (mine, theirs_):
        world.clear(name)
    world.sweep_away()


def _surroundings(scene: Scene, operator: Operator) -> list[Manifest]:
    mine, theirs_ = scene.mine, scene.theirs
    user = {"exec": {"command": "/bin/true", "apiVersion": "client.authentication.k8s.io/v1"}}

    def kubeconfig(server: str, user: Manifest) -> str:
        return json.dumps(
            {
                "current-context": "x",
                "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
                "clusters": [{"name": "x", "cluster": {"server": server}}],
                "users": [{"name": "x", "user": user}],
            }
        )

    account_token = secret(mine, "account-token", {})
    account_token["type"] = "kubernetes.io/service-account-token"
    account_token["metadata"]["annotations"] = {"kubernetes.io/service-account.name": "reader"}
    release = secret(mine, "sh.helm.release.v1.shop.v1", {"release": "x"})
    release["type"] = "helm.sh/release.v1"
    owned = external_secret(mine, "owner", store="own", a="password")
    owned["spec"]["target"] = {"name": "owned"}
    return [
        secret(theirs_, "cred", {"token": scene.value, "config": scene.value}, labels=LABEL),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "texts", "namespace": theirs_},
            "data": {"a": scene.value},
        },
        {
            "apiVersion": GENERATORS,
            "kind": "Fake",
            "metadata": {"name": "theirs", "namespace": theirs_},
            "spec": {"data": {"a": scene.value}},
        },
        fake_store(theirs_, "theirs", {"a": scene.value}),
        fake_store(mine, "own", {"password": scene.own}),
        secret(mine, "mine", {"token": "t"}),
        secret(mine, "hook", {"token": scene.own}, labels=LABEL),
        secret(mine, "plugin", {"config": kubeconfig("https://h.invalid", user)}),
        secret(mine, "inward", {"config": kubeconfig(scene.loopback.url, {"token": "t"})}),
        secret(mine, "manual", {"a": "by hand"}),
        account_token,
        release,
        owned,
        sealed_secret(operator.certificate(), mine, "sealed", {"a": scene.own}),
    ]


@pytest.fixture(scope="module")
def attacked(scene: Scene) -> tuple[dict[str, dict[str, bytes]], frozenset[str]]:
    """The tenant's Secrets before all attacks at once, and those attacks that the schema knows already."""
    before = scene.world.secrets(scene.mine)
    refused = set()
    for one in ATTACKS:
        try:
            for manifest in one.manifests(scene, one.name):
                scene.world.create(manifest)
        except ApiError as error:
            if error.status != 422:
                raise
            refused.add(one.name)
    return before, frozenset(refused)


@pytest.mark.parametrize("tried", [pytest.param(one, id=one.name) for one in ATTACKS])
def test_a_tenant_is_refused_and_told_why(
    scene: Scene, attacked: tuple[dict[str, dict[str, bytes]], frozenset[str]], tried: Attack
) -> None:
    world, namespace = scene.world, scene.mine
    before, refused = attacked
    if tried.name in refused:
        return
    # What cannot be used is used by nobody either.
    for kind in dict.fromkeys((tried.kind, "ExternalSecret")):
        eventually(
            lambda kind=kind: world.condition(kind, namespace, tried.name).get("status") == "False",
            what=f"{kind} {tried.name} to be refused",
        )
    message = world.condition(tried.kind, namespace, tried.name)["message"]
    assert tried.told in message, message
    after = world.secrets(namespace)
    assert {name: items for name, items in after.items() if name in before} == before
    assert tried.name not in after


@pytest.mark.parametrize("way", ["template", "copied", "name"])
def test_no_external_secret_brings_in_or_overwrites_a_sealing_key(
    scene: Scene, way: str, canary: Canary
) -> None:
    """Nor does one in the operator's namespace."""
    world = scene.world
    own = f"key-store-{way}"
    made = external_secret(NAMESPACE, f"key-{way}", store=own, **{"tls.key": "a"})
    key = {KEY_LABEL: "active"}
    if way == "copied":
        made["metadata"]["labels"] = key
    else:
        made["spec"]["target"] = {"template": {"metadata": {"labels": key if way == "template" else {}}}}
    if way == "name":
        made["spec"]["target"]["name"] = "sealed-secrets-key"
    before = {secret["metadata"]["name"] for secret in world.all("Secret", NAMESPACE)}
    world.apply([fake_store(NAMESPACE, own, {"a": canary("no key")}), made])
    try:
        told = "an ExternalSecret cannot make a sealing key"
        eventually(
            lambda: told in world.condition("ExternalSecret", NAMESPACE, f"key-{way}").get("message", ""),
            what="the refusal",
        )
        assert {secret["metadata"]["name"] for secret in world.all("Secret", NAMESPACE)} == before
    finally:
        world.delete("ExternalSecret", NAMESPACE, f"key-{way}")
        world.delete("SecretStore", NAMESPACE, own)


def test_a_forged_status_has_no_foreign_secret_deleted(scene: Scene) -> None:
    """Neither when the target is renamed nor when the ExternalSecret goes."""
    world, namespace = scene.world, scene.mine
    victim = world.create(secret(namespace, "forged-victim", {"a": "b"}))
    made = reads(scene, "forger", target={"name": "forger-1", "deletionPolicy": "Delete"})
    world.create(made)
    eventually(lambda: "forger-1" in world.secrets(namespace), what="the first target")

    def forge() -> None:
        found = world.get("ExternalSecret", namespace, "forger")
        found["status"]["binding"] = {"name": "forged-victim"}
        path = f"/apis/external-secrets.io/v1/namespaces/{namespace}/externalsecrets/forger/status"
        world.server.request("PUT", path, found)

    forge()
    world.patch("ExternalSecret", namespace, "forger", {"spec": {"target": {"name": "forger-2"}}})
    eventually(lambda: "forger-2" in world.secrets(namespace), what="the second target")
    eventually(
        lambda: (
            (world.get("ExternalSecret", namespace, "forger")["status"].get("binding") or {}).get("name")
            == "forger-2"
        ),
        what="the status",
    )
    forge()
    world.delete("ExternalSecret", namespace, "forger")
    eventually(lambda: "forger-2" not in world.secrets(namespace), what="its own target's end")
    assert world.get("Secret", namespace, "forged-victim")["metadata"]["uid"] == victim["metadata"]["uid"]
