from __future__ import annotations

import base64
import contextlib
import io
import json
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import SealingKey
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.scope import CLUSTER_WIDE_ANNOTATION, NAMESPACE_WIDE_ANNOTATION
from sealbridge.sealing.sealed_secret import SealedSecret
from sealbridge_cli import fetch
from tests.sealing_keys import MADE, sealing_key
from tests.unit.cli.conftest import PLAIN, Outcome, Run


def plain(**changes: Any) -> str:
    obj = yaml.safe_load(PLAIN)
    obj["metadata"].update(changes)
    return json.dumps({**obj, "metadata": {k: v for k, v in obj["metadata"].items() if v is not None}})


def opened(text: str) -> list[tuple[str, str, dict[str, bytes]]]:
    ring = Keyring([sealing_key()])
    found = []
    for document in yaml.safe_load_all(text):
        sealed = SealedSecret.from_manifest(document)
        items = {key: value.reveal() for key, value in unseal_items(sealed, ring).items()}
        found.append((sealed.namespace, sealed.name, items))
    return found


DB = ("shop", "db", {"password": b"correct horse"})


def test_stdin_becomes_a_sealed_secret_on_stdout(run: Run, cert: str) -> None:
    outcome = run("seal", "--cert", cert, stdin=PLAIN)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n")
    assert "horse" not in outcome.out
    assert opened(outcome.out) == [DB]


def test_many_files_and_many_documents_keep_their_order(run: Run, cert: str, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.yaml").write_text(
            "---\n".join(plain(name=f"n{number}-{i}") + "\n" for i in range(2))
        )
    outcome = run("seal", "--cert", cert, "-f", "0.yaml", "1.yaml", "-f", "2.yaml")
    assert [name for _, name, _ in opened(outcome.out)] == ["n0-0", "n0-1", "n1-0", "n1-1", "n2-0", "n2-1"]
    assert opened(run("seal", "--cert", cert, "-f", "-", stdin=PLAIN).out) == [DB]


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        (["-o", "json"], '{\n  "kind": "SealedSecret",\n  "apiVersion": "bitnami.com/v1alpha1"'),
        (["-o", "yaml"], "---\n"),
        (["-w", "out.json"], "{\n"),
        (["-w", "out.yml"], "---\n"),
        (["-w", "out.yaml"], "---\n"),
        (["-w", "out"], "---\n"),
        (["-w", "out.yaml", "-o", "json"], "{\n"),
    ],
)
def test_the_format_is_that_asked_for_else_that_of_the_file(
    run: Run, cert: str, tmp_path: Path, options: list[str], begins: str
) -> None:
    outcome = run("seal", "--cert", cert, *options, stdin=PLAIN)
    assert (outcome.code, outcome.err) == (0, "")
    if "-w" in options:
        assert outcome.out == ""
        assert (tmp_path / options[options.index("-w") + 1]).read_text().startswith(begins)
    else:
        assert outcome.out.startswith(begins)


@pytest.mark.parametrize(
    ("annotations", "options", "scope"),
    [
        ({}, [], None),
        ({NAMESPACE_WIDE_ANNOTATION: "true"}, [], NAMESPACE_WIDE_ANNOTATION),
        ({CLUSTER_WIDE_ANNOTATION: "true"}, [], CLUSTER_WIDE_ANNOTATION),
        ({CLUSTER_WIDE_ANNOTATION: "true"}, ["--scope", "strict"], None),
        ({CLUSTER_WIDE_ANNOTATION: "true"}, ["--scope", "namespace-wide"], NAMESPACE_WIDE_ANNOTATION),
        ({}, ["--scope", "cluster-wide"], CLUSTER_WIDE_ANNOTATION),
    ],
)
def test_the_scope_is_that_asked_for_else_that_of_the_annotations(
    run: Run, cert: str, annotations: dict[str, str], options: list[str], scope: str | None
) -> None:
    outcome = run("seal", "--cert", cert, *options, stdin=plain(annotations=annotations))
    found = yaml.safe_load(outcome.out)["metadata"]["annotations"]
    assert {key for key in found if key.startswith("sealedsecrets.")} == ({scope} if scope else set())
    assert opened(outcome.out) == [DB]


@pytest.mark.parametrize(
    ("namespace", "options", "result"),
    [
        ("shop", [], "shop"),
        ("shop", ["-n", "shop"], "shop"),
        (None, ["-n", "other"], "other"),
        ("shop", ["-n", "other", "--scope", "cluster-wide"], "shop"),
        (None, ["--scope", "cluster-wide"], ""),
        (None, ["-n", "other", "--scope", "cluster-wide"], "other"),
    ],
)
def test_the_namespace_is_the_secrets_own_else_that_asked_for(
    run: Run, cert: str, namespace: str | None, options: list[str], result: str
) -> None:
    outcome = run("seal", "--cert", cert, *options, stdin=plain(namespace=namespace))
    assert opened(outcome.out) == [(result, "db", DB[2])]


def test_a_name_can_be_given(run: Run, cert: str) -> None:
    assert opened(run("seal", "--cert", cert, "--name", "new", stdin=PLAIN).out) == [("shop", "new", DB[2])]
    assert opened(run("seal", "--cert", cert, "--name", "new", stdin=plain(name=None)).out)[0][1] == "new"


SEALED = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: x}\nspec: {}\n"


@pytest.mark.parametrize(
    ("stdin", "options", "error"),
    [
        ("", [], "stdin: there is no Secret in it"),
        ("---\n", [], "stdin: there is no Secret in it"),
        (SEALED, [], "stdin: document 1, line 1: this is a SealedSecret already"),
        ("kind: ConfigMap\napiVersion: v1\n", [], "can be sealed, this is ConfigMap of v1"),
        ("a: 1\n", [], "can be sealed, this is an object without a kind"),
        ("kind: A\n", [], "only a Secret of v1 can be sealed, this is A without an apiVersion"),
        (PLAIN.replace("v1", "v2"), [], "only a Secret of v1 can be sealed, this is Secret of v2"),
        (plain(namespace=None), [], "the Secret has no namespace, and the scope strict is bound to one"),
        (plain(namespace=None), ["--scope", "namespace-wide"], "the Secret has no namespace"),
        (plain(name=None), [], "metadata.name is missing"),
        (PLAIN, ["--name", "Not_A_Name"], "metadata.name is not a name that Kubernetes takes: 'Not_A_Name'"),
        (PLAIN, ["-n", "other"], "the Secret is for the namespace shop, and -n says other"),
        ("kind: {password: horse}\napiVersion: v1\n", [], "can be sealed, this is something else"),
        (f"kind: {'horse' * 50}\n", [], "can be sealed, this is something else"),
        ("kind: Secret\napiVersion: v1\ndata: horse\n", [], "data must be a mapping, it is a string"),
        (PLAIN.split("stringData")[0], [], "the Secret has no items: data and stringData are empty"),
        (PLAIN + "  port: 5432\n", [], "stringData.port must be a string, it is a number"),
        (PLAIN + "data: {x: '!'}\n", [], "data.x is not base64"),
        (PLAIN + "---\n" + PLAIN, ["--name", "x"], "--name names one Secret, and there are 2"),
        (PLAIN + "  password: again\n", [], "stdin: document 1, line 8: the key 'password' is there twice"),
        ("a: [", [], "stdin: document 1, line "),
    ],
)  # fmt: skip
def test_what_cannot_be_sealed_is_said_and_nothing_is_written(
    run: Run, cert: str, tmp_path: Path, stdin: str, options: list[str], error: str
) -> None:
    outcome = run("seal", "--cert", cert, "-w", "out.yaml", *options, stdin=stdin)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: ")
    assert error in outcome.err.splitlines()[0]
    assert "horse" not in outcome.err
    assert not (tmp_path / "out.yaml").exists()


def test_one_bad_document_among_many_keeps_all_unwritten_and_every_bad_one_is_named(
    run: Run, cert: str, tmp_path: Path
) -> None:
    (tmp_path / "out.yaml").write_text("old")
    text = "---\n".join([PLAIN, "{kind: B, apiVersion: v1}\n", PLAIN, SEALED])
    outcome = run("seal", "--cert", cert, "-w", "out.yaml", stdin=text)
    assert outcome.code == 1
    assert [line for line in outcome.err.splitlines() if line.startswith("error:")] == [
        "error: stdin: document 2, line 9: only a Secret of v1 can be sealed, this is B of v1",
        "error: stdin: document 4, line 19: this is a SealedSecret already",
    ]
    assert outcome.err.endswith("nothing was written\n")
    assert (tmp_path / "out.yaml").read_text() == "old"
    assert run("seal", "--cert", cert, stdin=text).out == ""


def test_a_file_that_cannot_be_written_is_named(run: Run, cert: str) -> None:
    outcome = run("seal", "--cert", cert, "-w", "no/such/out.yaml", stdin=PLAIN)
    assert (outcome.code, outcome.err) == (
        1,
        "error: no/such/out.yaml: cannot write it: no such file or directory\n",
    )


def test_the_certificate_may_come_from_the_environment(
    run: Run, cert: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEALBRIDGE_CERT", cert)
    assert opened(run("seal", stdin=PLAIN).out) == [DB]
    monkeypatch.setenv("SEALBRIDGE_CERT", "")
    outcome = run("seal", stdin=PLAIN)
    assert outcome.code == 2
    assert outcome.err.startswith("error: no sealing certificate is given\nhint: name one with --cert")


def test_an_expired_certificate_is_refused_with_the_day(run: Run, tmp_path: Path) -> None:
    old = SealingKey.generate(at=MADE.replace(year=2020), bits=2048, valid_days=31)
    (tmp_path / "old.pem").write_bytes(old.certificate.pem)
    outcome = run("seal", "--cert", "old.pem", stdin=PLAIN)
    assert outcome.code == 1
    assert outcome.err.startswith("error: the certificate expired on February 1, 2020\nhint: ")


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("none.pem", "none.pem: cannot read the certificate: no such file or directory"),
        (".", ".: cannot read the certificate: is a directory"),
        ("key.pem", "key.pem: this is a private key, sealing needs a certificate"),
        ("file:///no/such/file", "file:///no/such/file: cannot fetch the certificate: "),
        ("ftp://host/x", "a certificate cannot be fetched from there"),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:1/x: cannot fetch the certificate: connection refused"),
        (
            "http://user:hunter2@127.0.0.1:1/x?token=hunter2",
            "http://127.0.0.1:1/x: cannot fetch the certificate",
        ),
        (
            "http://user:hunter2@[",
            "cannot fetch the certificate: the URL, or that of the proxy, is not valid",
        ),
        ("http://user:hun/ter2hunter2@h/x", "http://...@h/x: cannot fetch the certificate: "),
        ("http://127.0.0.1:1/x#hunter2", "http://127.0.0.1:1/x: cannot fetch the certificate: "),
        ("http:/user:hunter2@h/x", "...@h/x: cannot read the certificate: no such file or directory"),
        ("user:hunter2@h/x", "...@h/x: cannot read the certificate: no such file or directory"),
    ],
)
def test_a_certificate_that_cannot_be_had_is_an_error_with_its_place(
    run: Run, key: str, place: str, error: str
) -> None:
    outcome = run("seal", "--cert", place, stdin=PLAIN)
    assert outcome.code == (2 if place.startswith("ftp") else 1)
    assert outcome.err.startswith(f"error: {error}") or error in outcome.err
    assert "hunter2" not in outcome.err


BASIC = "Basic " + base64.b64encode(b"user:hunter2/@").decode()


class Certificates(BaseHTTPRequestHandler):
    """Serves a certificate, errors and redirects; nothing is logged."""

    def do_GET(self) -> None:
        answers: dict[str, tuple[int, bytes]] = {
            "/v1/cert.pem": (200, sealing_key().certificate.pem),
            "/empty": (204, b""),
            "/broken": (500, b"x"),
            "/page": (200, b"<html>"),
            "/moved": (302, b""),
            "/elsewhere": (302, b""),
            "/guarded": (200, sealing_key().certificate.pem),
            "/guarded-move": (302, b""),
        }
        status, body = answers.get(self.path, (404, b""))
        if self.path.startswith("/guarded") and self.headers["Authorization"] != BASIC:
            status, body = 401, b""
        self.send_response(status)
        if status == 302:
            target = {"/elsewhere": "ftp://h/", "/guarded-move": "/guarded"}.get(self.path, "/v1/cert.pem")
            self.send_header("Location", target)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        return None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Certificates) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/v1/cert.pem", "/moved"])
def test_a_certificate_is_fetched_by_http(run: Run, server: str, path: str) -> None:
    assert opened(run("seal", "--cert", server + path, stdin=PLAIN).out) == [DB]


@pytest.fixture(scope="module")
def secure_server(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The same over TLS, with its CA, and a redirect to the server without TLS."""

    class Secure(Certificates):
        def do_GET(self) -> None:
            if self.path != "/downgrade":
                return super().do_GET()
            self.send_response(302)
            self.send_header("Location", f"{server}/v1/cert.pem")
            self.send_header("Content-Length", "0")
            return self.end_headers()

    authority = trustme.CA()
    trusted = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Secure) as serving:
        serving.socket = context.wrap_socket(serving.socket, server_side=True)
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"https://127.0.0.1:{serving.server_address[1]}", trusted
        serving.shutdown()
        thread.join()


def test_a_certificate_is_fetched_by_https_from_those_who_are_trusted(
    run: Run, secure_server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, trusted = secure_server
    refused = run("seal", "--cert", f"{url}/v1/cert.pem", stdin=PLAIN)
    assert refused.code == 1
    assert (
        "the server is not trusted: unable to get local issuer certificate\nhint: SSL_CERT_FILE"
        in refused.err
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    assert opened(run("seal", "--cert", f"{url}/v1/cert.pem", stdin=PLAIN).out) == [DB]
    assert opened(run("seal", "--cert", f"{url}/moved", stdin=PLAIN).out) == [DB]
    downgraded = run("seal", "--cert", f"{url}/downgrade", stdin=PLAIN)
    assert downgraded.code == 1
    assert "it redirects to a place that is not https" in downgraded.err


def test_a_certificate_is_fetched_through_a_proxy(
    run: Run, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    assert "connection refused" in run("seal", "--cert", server + "/v1/cert.pem", stdin=PLAIN).err


def test_a_name_and_password_in_the_url_are_sent_and_not_along_a_redirect(run: Run, server: str) -> None:
    def fetched(path: str) -> Outcome:
        place = server.replace("http://", "http://user:hunter2%2F%40@") + path
        outcome = run("seal", "--cert", place, stdin=PLAIN)
        assert "hunter2" not in outcome.err
        return outcome

    assert opened(fetched("/guarded").out) == [DB]
    assert "the server answers 401" in fetched("/guarded-move").err
    assert "the server answers 401" in run("seal", "--cert", f"{server}/guarded", stdin=PLAIN).err


@pytest.fixture
def raw_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Answers every connection with the same bytes, for as long as the other side takes them."""
    first, more = request.param
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(first)
                while more:
                    connection.sendall(more)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


OK = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("raw_server", "longest", "error"),
    [
        ((OK, b"x"), 0.0, "cannot fetch the certificate: it takes too long"),
        ((OK, b"x" * 65536), 60.0, "there is no PEM certificate in it"),
        ((b"hunter2\r\n\r\n", b""), 60.0, "cannot fetch the certificate: the answer is not HTTP"),
        ((b"", b""), 60.0, "cannot fetch the certificate: the server closed the connection"),
    ],
    indirect=["raw_server"],
    ids=["slow", "endless", "no HTTP", "nothing"],
)
def test_a_server_that_is_slow_endless_or_broken_is_given_up(
    run: Run, raw_server: str, longest: float, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_LONGEST", longest)
    outcome = run("seal", "--cert", raw_server, stdin=PLAIN)
    assert outcome.code == 1
    assert outcome.err.startswith(f"error: {raw_server}: {error}")
    assert "hunter2" not in outcome.err


def test_a_certificate_is_read_from_a_file_url(run: Run, cert: str) -> None:
    assert opened(run("seal", "--cert", f"file://{cert}", stdin=PLAIN).out) == [DB]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/none", "the server answers 404"),
        ("/broken", "the server answers 500"),
        ("/empty", "the server answers 204"),
        ("/page", "there is no PEM certificate in it"),
        ("/elsewhere", "cannot fetch the certificate: it redirects to a place that is not http"),
    ],
)
def test_an_answer_that_is_no_certificate_is_an_error(run: Run, server: str, path: str, error: str) -> None:
    outcome = run("seal", "--cert", server + path, stdin=PLAIN)
    assert outcome.code == 1
    assert outcome.err.startswith(f"error: {server}{path}: {error}")


def test_a_person_at_the_terminal_is_told_that_it_waits(
    run: Run, cert: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(io, "TextIOWrapper", Terminal)
    outcome = run("seal", "--cert", cert, stdin=PLAIN)
    assert (
        outcome.err == "hint: reading manifests from the terminal: end with Ctrl-D, or name files with -f\n"
    )
    assert opened(outcome.out) == [DB]


def test_no_stdin_at_all_is_an_error(run: Run, cert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from sealbridge_cli.main import main

    monkeypatch.setattr(sys, "stdin", None)
    assert main(["seal", "--cert", cert]) == 2
