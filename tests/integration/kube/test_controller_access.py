"""The controller of a cluster is found and asked, through the Service proxy or a port-forward."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sealbridge.errors import ClusterError, NoController
from sealbridge.kube.config import connect_person
from sealbridge.kube.controller_access import Controller, Place
from tests.servers.controller import (
    Answer,
    ClusterWithController,
    cluster_with_controller,
    pod,
    service,
)

STATUS_503 = (
    b'{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no endpoints available","code":503}'
)


class Program:
    """A controller that answers as told."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {"/v1/cert.pem": [(200, {}, b"PEM")]}
        self.bodies: list[bytes] = []

    def __call__(self, method: str, path: str, body: bytes) -> Answer:
        self.bodies.append(body)
        answers = self.answers[path]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def cluster(program: Program) -> Iterator[ClusterWithController]:
    with cluster_with_controller(program) as made:
        yield made


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
async def controller(
    cluster: ClusterWithController, tmp_path: Path, notes: list[str]
) -> AsyncIterator[Controller]:
    connection = connect_person(cluster.kubeconfig(tmp_path / "config"))
    async with Controller(connection, note=notes.append) as made:
        yield made


async def test_the_proxy_is_named_by_scheme_service_and_first_port(
    cluster: ClusterWithController, controller: Controller, notes: list[str]
) -> None:
    assert await controller.certificate() == b"PEM"
    assert [path for _, path, _ in cluster.requests] == [
        "/api/v1/namespaces/kube-system/services/sealed-secrets-controller",
        "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:http/proxy/v1/cert.pem",
    ]
    assert cluster.headers("cert.pem")["Authorization"] == "Bearer a-token"
    assert notes == []


@pytest.mark.parametrize(("status", "expected"), [(200, True), (409, False)])
async def test_verify_tells_yes_and_no(
    program: Program, controller: Controller, status: int, expected: bool
) -> None:
    program.answers["/v1/verify"] = [(status, {}, b"")]
    assert await controller.verify(b"kind: SealedSecret") is expected
    assert program.bodies == [b"kind: SealedSecret"]


async def test_a_controller_that_asks_to_wait_is_asked_again(
    program: Program, controller: Controller
) -> None:
    busy = (429, {"Retry-After": "0"}, b"limit exceeded")
    program.answers["/v1/verify"] = [busy, busy, (200, {}, b"")]
    assert await controller.verify({"kind": "SealedSecret"})


async def test_rotate_gives_the_object_and_refuses_nonsense(program: Program, controller: Controller) -> None:
    program.answers["/v1/rotate"] = [(200, {}, b'{"metadata": {"name": "a"}}'), (200, {}, b"nonsense")]
    assert await controller.rotate({}) == {"metadata": {"name": "a"}}
    with pytest.raises(ClusterError, match="not a SealedSecret"):
        await controller.rotate({})


async def test_a_failure_of_the_controller_is_final_and_in_client_gos_words(
    cluster: ClusterWithController, program: Program, controller: Controller
) -> None:
    program.answers["/v1/rotate"] = [(500, {}, b"boom")]
    with pytest.raises(ClusterError) as caught:
        await controller.rotate({})
    assert caught.value.what == (
        'an error on the server ("boom") has prevented the request from succeeding '
        "(post services http:sealed-secrets-controller:http)"
    )
    assert len(program.bodies) == 1


@pytest.mark.parametrize(
    "proxy",
    [
        (503, {}, STATUS_503),
        (502, {}, b"bad gateway"),
        (504, {}, b""),
        (403, {}, b'{"kind":"Status","code":403,"message":"services/proxy is forbidden"}'),
    ],
)
async def test_a_proxy_that_does_not_work_is_replaced_by_a_port_forward(
    cluster: ClusterWithController,
    program: Program,
    controller: Controller,
    notes: list[str],
    proxy: Answer,
) -> None:
    cluster.proxy = proxy
    cluster.pods.insert(0, pod("kube-system", "not-ready", app="sealed-secrets-controller", ready=False))
    program.answers["/v1/verify"] = [(409, {}, b"")]
    assert await controller.certificate() == b"PEM"
    assert not await controller.verify(b"x" * 200_000)
    assert program.bodies[-1] == b"x" * 200_000
    assert notes == ["the Service proxy does not work, forwarding a port to the pod controller-0"]
    assert cluster.headers("portforward")["Authorization"] == "Bearer a-token"


async def test_without_a_pod_the_proxys_own_words_are_told(
    cluster: ClusterWithController, controller: Controller
) -> None:
    cluster.proxy = (503, {}, STATUS_503)
    cluster.pods.clear()
    with pytest.raises(ClusterError, match="no endpoints available"):
        await controller.certificate()


async def test_a_port_forward_that_breaks_off_is_an_error(
    cluster: ClusterWithController, controller: Controller
) -> None:
    cluster.proxy = (503, {}, b"")
    cluster.cut = True
    with pytest.raises(ClusterError, match="ended before"):
        await controller.certificate()
    cluster.forward_error = "connection refused"
    with pytest.raises(ClusterError, match="cannot be forwarded: connection refused"):
        await controller.certificate()


async def test_a_controller_elsewhere_is_found_by_its_label_and_told(
    cluster: ClusterWithController, controller: Controller, notes: list[str]
) -> None:
    label = {"app.kubernetes.io/name": "sealed-secrets"}
    cluster.services[:] = [
        service("sealing", "my-release", labels=label),
        service("sealing", "my-release-metrics", labels=label, port="metrics"),
        service("other", "web"),
    ]
    assert await controller.certificate() == b"PEM"
    assert notes == ["using the controller sealing/my-release"]


async def test_a_controller_elsewhere_is_found_by_its_name(
    cluster: ClusterWithController, controller: Controller, notes: list[str]
) -> None:
    cluster.services[:] = [service("flux-system", "sealed-secrets-controller")]
    assert await controller.certificate() == b"PEM"
    assert notes == ["using the controller flux-system/sealed-secrets-controller"]


async def test_a_controller_is_found_beside_its_keys_when_services_may_not_be_listed_everywhere(
    cluster: ClusterWithController, controller: Controller, notes: list[str]
) -> None:
    key = {
        "name": "k",
        "namespace": "sealing",
        "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
    }
    cluster.secrets.append({"metadata": key})
    cluster.services[:] = [service("sealing", "sealbridge")]
    cluster.forbidden = ("/api/v1/services",)
    assert await controller.certificate() == b"PEM"
    assert notes == ["using the controller sealing/sealbridge"]


async def test_several_controllers_are_listed(cluster: ClusterWithController, controller: Controller) -> None:
    label = {"app.kubernetes.io/name": "sealed-secrets"}
    cluster.services[:] = [service("b", "x", labels=label), service("a", "x", labels=label)]
    with pytest.raises(NoController, match="there are several controllers: a/x, b/x"):
        await controller.certificate()


async def test_none_is_told_in_the_api_servers_words(
    cluster: ClusterWithController, controller: Controller
) -> None:
    cluster.services.clear()
    with pytest.raises(NoController) as caught:
        await controller.certificate()
    assert caught.value.what == 'services "sealed-secrets-controller" not found'


async def test_a_place_that_is_given_is_the_only_one(cluster: ClusterWithController, tmp_path: Path) -> None:
    connection = connect_person(cluster.kubeconfig(tmp_path / "config"))
    async with Controller(connection, place=Place("here", "it")) as controller:
        with pytest.raises(NoController, match='services "it" not found'):
            await controller.certificate()


async def test_who_may_not_read_the_service_uses_its_proxy_without_the_ports_name(
    cluster: ClusterWithController, controller: Controller
) -> None:
    cluster.forbidden = ("services/sealed-secrets-controller",)
    assert await controller.certificate() == b"PEM"
    assert "http:sealed-secrets-controller:/proxy" in cluster.requests[-1][1]
