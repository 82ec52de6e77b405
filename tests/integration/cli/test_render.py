"""`sealbridge render` as a real process: against a real OpenBao, and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import secrets
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from sealbridge.manifests import dump_yaml
from sealbridge.reconcile.kinds import Object
from tests.canary import Canary
from tests.servers.openbao import DevOpenBao
from tests.worlds import external_secret, fake_store

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "sealbridge")


class Printed(NamedTuple):
    code: int
    out: str
    err: str


class Desk:
    """A folder `source` to render from, and the command."""

    def __init__(self, folder: Path, canary: Canary) -> None:
        self.folder, self._canary = folder, canary
        self.source = canary.output(folder / "source")
        self.source.mkdir()

    def write(self, name: str, *documents: Object) -> None:
        (self.source / name).write_text(dump_yaml(documents))

    def command(self, *arguments: str) -> list[str]:
        return [PROGRAM, "render", "--store-from", "source", "-f", "source/app.yaml", *arguments]

    def render(self, *arguments: str) -> Printed:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self._canary.seen(done.stdout, "stdout of render")
        self._canary.seen(done.stderr, "stderr of render")
        return Printed(done.returncode, done.stdout, done.stderr)

    def on_terminal(self, *arguments: str) -> tuple[int, str]:
        """The exit code and all that a person sees. It may hold values: it is not searched."""
        terminal, side = pty.openpty()
        try:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=side,
                stderr=side,
                env={**os.environ, "NO_COLOR": "1"},
            )
            os.close(side)
            seen = b"".join(_until_closed(terminal))
            return process.wait(timeout=120), seen.decode().replace("\r\n", "\n")
        finally:
            os.close(terminal)


def _until_closed(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # nobody has the other side open any more
            return
        if not piece:
            return
        yield piece


@pytest.fixture
def desk(tmp_path: Path, canary: Canary) -> Desk:
    return Desk(tmp_path, canary)


@pytest.fixture
def mount(openbao: DevOpenBao) -> str:
    name = f"kv-{secrets.token_hex(4)}"
    openbao.mount_kv(name, version=2)
    return name


def vault_store(url: str, mount: str) -> Object:
    vault = {
        "server": url,
        "path": mount,
        "version": "v2",
        "auth": {"tokenSecretRef": {"name": "bao-token", "key": "token"}},
    }
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {"name": "bao"},
        "spec": {"provider": {"vault": vault}},
    }


def token_secret(token: str) -> Object:
    metadata = {"name": "bao-token"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"token": token}}


def entry(key: str, prop: str) -> Object:
    return {"secretKey": prop, "remoteRef": {"key": key, "property": prop}}


def result(printed: Printed, name: str) -> Object:
    found: list[Object] = [one for one in json.loads(printed.out)["externalSecrets"] if one["name"] == name]
    return found[0]


def test_a_live_store_is_asked_and_nothing_of_it_printed(
    desk: Desk, openbao: DevOpenBao, mount: str, canary: Canary
) -> None:
    openbao.client().secrets.kv.v2.create_or_update_secret(
        "db", secret={"user": canary("user"), "password": canary("password")}, mount_point=mount
    )
    policy = (
        f'path "{mount}/*" {{ capabilities = ["read"] }}\n'
        'path "auth/token/lookup-self" { capabilities = ["read"] }'
    )
    token = canary.register(openbao.token_with(policy), "store token")
    desk.write("store.yaml", vault_store(openbao.url, mount), token_secret(token))
    template = {"data": {"url": "pg://{{ .user }}:{{ .password }}@db"}}
    good = external_secret("good", {}, store="bao", target={"template": template})
    good["spec"]["data"] = [entry("db", "user"), entry("db", "password")]
    gone, lost = (external_secret(name, {}, store="bao") for name in ("gone", "lost"))
    gone["spec"]["data"] = [entry("db", "user"), entry("nothing", "other")]
    lost["spec"]["data"] = [entry("db", "nothing")]
    desk.write("app.yaml", good, gone, lost)

    printed = desk.render("-o", "json")

    assert printed.code == 1
    assert result(printed, "good")["data"] == [{"key": "url", "change": "added"}]
    assert "data[1] (secretKey other)" in result(printed, "gone")["error"]["what"]
    assert "(NotFound)" in result(printed, "gone")["error"]["what"]
    assert "data[0] (secretKey nothing)" in result(printed, "lost")["error"]["what"]


def test_a_wrong_token_is_told_as_denied_and_not_shown(
    desk: Desk, openbao: DevOpenBao, mount: str, canary: Canary
) -> None:
    desk.write("store.yaml", vault_store(openbao.url, mount), token_secret(canary("wrong token")))
    wanted = external_secret("db", {}, store="bao")
    wanted["spec"]["data"] = [entry("db", "user")]
    desk.write("app.yaml", wanted)

    printed = desk.render()

    assert printed.code == 1
    assert "(Denied)" in printed.err


def test_a_store_that_is_down_is_told_as_unavailable(desk: Desk, canary: Canary) -> None:
    desk.write("store.yaml", vault_store("http://127.0.0.1:9", "kv"), token_secret(canary("for nobody")))
    wanted = external_secret("db", {}, store="bao")
    wanted["spec"]["data"] = [entry("db", "user")]
    desk.write("app.yaml", wanted, fake_store("fake", {"a": "x"}), external_secret("other", {"A": "a"}))

    printed = desk.render()

    assert printed.code == 1
    assert "(Unavailable)" in printed.err
    assert "Secret default/other would be created" in printed.out


def test_values_are_shown_on_a_terminal_when_asked_for(desk: Desk, canary: Canary) -> None:
    value, text = canary("shown to a person"), canary("second line")
    store = fake_store("fake", {"a": value, "b": f"first\n{text}\x1b[31m", "c": "AP8="})
    wanted = external_secret("db", {"A": "a", "B": "b"})
    wanted["spec"]["data"].append({"secretKey": "C", "remoteRef": {"key": "c", "decodingStrategy": "Base64"}})
    desk.write("app.yaml", store, wanted)

    code, seen = desk.on_terminal("--reveal")
    assert code == 0
    assert f'  + data A  "{value}"\n' in seen
    assert f'  + data B  "first\\n{text}\\u001b[31m"\n' in seen
    assert "  + data C  base64 AP8=\n" in seen

    code, seen = desk.on_terminal("--reveal", "-o", "json")
    assert code == 0
    assert {"key": "A", "change": "added", "after": {"text": value}} in json.loads(seen)["externalSecrets"][
        0
    ]["data"]

    code, seen = desk.on_terminal()
    canary.seen(seen, "a terminal without --reveal")
    assert "  + data A  ********\n" in seen


def test_values_go_into_no_pipe(desk: Desk, canary: Canary) -> None:
    desk.write(
        "app.yaml", fake_store("fake", {"a": canary("into no pipe")}), external_secret("db", {"A": "a"})
    )

    printed = desk.render("--reveal")

    assert (printed.code, printed.out) == (2, "")
    assert "stdout is no terminal" in printed.err


def test_what_a_former_value_was_is_shown_beside_the_new_one(desk: Desk, canary: Canary) -> None:
    canary.output(desk.folder / "out" / "default")
    before, after = canary("before"), canary("after")
    wanted = external_secret("db", {"A": "a"})
    desk.write("app.yaml", fake_store("fake", {"a": before}), wanted)
    subprocess.run(
        [PROGRAM, "sync", "--source", "source", "--output", "out"],
        cwd=desk.folder,
        capture_output=True,
        check=True,
        timeout=60,
    )
    desk.write("app.yaml", fake_store("fake", {"a": after}), wanted)

    code, seen = desk.on_terminal("--against", "out", "--reveal", "--exit-code")

    assert code == 3
    assert f'  ~ data A  "{before}" -> "{after}"\n' in seen
