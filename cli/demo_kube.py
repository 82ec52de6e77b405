"""The demo on a Kubernetes cluster: an operator on this machine that watches one new namespace.

Touches nothing that exists: CRDs are installed only where the cluster has none, everything else lives
in a namespace made for the demo and deleted after it.
"""

from __future__ import annotations

import base64
import secrets

from sealbridge import manifests
from sealbridge.kube.crds import definitions
from sealbridge_cli.demo import (
    CREDENTIAL,
    commit_store,
    make_repository,
    put_payment,
    seal_and_commit,
    show_history,
    start_openbao,
)
from sealbridge_cli.stage import Stage, answers, free_port


def play_on_kubernetes(stage: Stage) -> None:
    """Seal, unseal, sync, rotate and fail, with kubectl and the operator."""
    namespace = f"sealbridge-demo-{secrets.token_hex(3)}"
    stage.act("The cluster, a namespace of our own, and a Git repository")
    stage.run("kubectl config current-context")
    _install_definitions(stage)
    make_repository(stage)
    stage.run(f"kubectl create namespace {namespace}")
    try:
        _play(stage, namespace)
    finally:
        # Whatever went wrong before is what a person is to be told.
        stage.run(f"kubectl delete namespace {namespace} --wait=false", expect=None)


def _play(stage: Stage, namespace: str) -> None:
    password, token = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
    kubectl = f"kubectl -n {namespace}"

    stage.act("The operator makes a sealing key and gives out its certificate")
    url = _start_operator(stage, namespace)
    stage.run(f"sealbridge cert --cert {url}/v1/cert.pem --pem > cert.pem")
    stage.run("sealbridge cert --cert cert.pem")

    stage.act("Seal a Secret and commit only what is sealed")
    seal_and_commit(stage, password, namespace=namespace, certificate="cert.pem")
    stage.run("kubectl apply -f environment/shop")
    stage.run(f"{kubectl} wait --for=condition=Ready --timeout=60s sealedsecret/database")
    stage.check(_item(stage, namespace, "database", "password") == password, "the Secret has the password")

    stage.act("A real OpenBao holds another secret")
    server = start_openbao(stage, token)
    api_key = put_payment(stage)

    stage.act("Commit where that secret is, not what it is")
    stage.write(
        "token.yaml",
        CREDENTIAL.format(namespace=namespace, token=token),
        told="the token for OpenBao, not for Git",
    )
    commit_store(stage, server=server, namespace=namespace, interval="2s")
    stage.run("kubectl apply -f token.yaml -f environment/shop")
    stage.run(f"{kubectl} wait --for=condition=Ready --timeout=60s externalsecret/payment")
    stage.check(_item(stage, namespace, "payment", "api-key") == api_key, "the Secret has the payment key")

    stage.act("The value changes in OpenBao")
    changed = put_payment(stage)
    stage.wait(
        lambda: _item(stage, namespace, "payment", "api-key") == changed, what="the Secret has the new key"
    )
    stage.say("✓ the Secret has the new key")

    stage.act("One object is broken on purpose: a sealed Secret under another name")
    stage.run("sed 's/name: database/name: stolen/' environment/shop/database.yaml > stolen.yaml")
    stage.run("kubectl apply -f stolen.yaml")
    stage.run(f"{kubectl} wait --for=condition=Ready=False --timeout=60s sealedsecret/stolen")
    stage.run(f"{kubectl} get sealedsecrets,externalsecrets")
    stage.check(_item(stage, namespace, "database", "password") == password, "the others are as they were")

    stage.act("What Git knows after all this")
    show_history(stage, [password, token, api_key, changed])


def _install_definitions(stage: Stage) -> None:
    present = stage.read("kubectl get customresourcedefinitions -o name")
    missing = [definition for name, definition in definitions().items() if f"/{name}\n" not in present]
    if not missing:
        stage.say("the cluster has the CRDs already; they stay as they are")
        return
    stage.write(
        "crds.yaml",
        manifests.dump_yaml(missing),
        told=f"{len(missing)} CRDs that the cluster lacks; they stay after the demo",
    )
    stage.run("kubectl apply -f crds.yaml")
    stage.run("kubectl wait --for=condition=Established --timeout=60s -f crds.yaml >/dev/null")


def _start_operator(stage: Stage, namespace: str) -> str:
    port, metrics_port = free_port(), free_port()
    stage.start(
        f"sealbridge operator --namespace {namespace} --watch-namespaces {namespace}"
        f" --listen-addr 127.0.0.1:{port} --listen-metrics-addr 127.0.0.1:{metrics_port} >operator.log 2>&1"
    )
    url = f"http://127.0.0.1:{port}"
    stage.wait(lambda: answers(f"{url}/readyz"), what="the operator is ready", seconds=60)
    return url


def _item(stage: Stage, namespace: str, name: str, item: str) -> str:
    encoded = stage.read(f"kubectl -n {namespace} get secret {name} -o 'jsonpath={{.data.{item}}}'")
    return base64.b64decode(encoded).decode()
