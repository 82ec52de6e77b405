"""`make cluster`: an API server and the operator to play with, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from tests.servers.apiserver import ApiServer, kubectl_program
from tests.servers.operator import Operator, deploy
from tests.servers.process import wait_for

_WEEK = 7 * 24 * 3600
_TRY = """
The cluster is up: API server {server}, operator {operator}
(its log: {log}).

In another terminal:

  export KUBECONFIG={kubeconfig}
  export PATH={programs}:$PATH
  kubectl create secret generic hello --from-literal=greeting=hi --dry-run=client -o yaml \\
    | sealbridge seal --cert {operator}/v1/cert.pem -n default \\
    | kubectl apply -f -
  kubectl get sealedsecrets,secrets

Press Ctrl-C here to end it; nothing is kept.
"""


def run() -> int:
    """Start everything, wait for Ctrl-C or SIGTERM, and take it all down again."""
    asked_to_stop = False

    def stop(*_: object) -> None:
        nonlocal asked_to_stop
        asked_to_stop = True

    with tempfile.TemporaryDirectory(prefix="sealbridge-cluster-") as name:
        folder = Path(name)
        server = ApiServer(folder / "apiserver")
        try:
            print("==> etcd and kube-apiserver", file=sys.stderr, flush=True)
            server.start()
            print("==> CRDs, roles and the operator", file=sys.stderr, flush=True)
            server.ensure_namespace("default")
            deployment = deploy(server)
            token = server.token_for(deployment.namespace, deployment.account, seconds=_WEEK)
            operator = Operator(server.kubeconfig_for(token), deployment.namespace, folder)
            try:
                operator.start()
                for which in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(which, stop)
                print(
                    _TRY.format(
                        server=server.url,
                        operator=operator.url,
                        log=operator.log,
                        kubeconfig=server.admin_kubeconfig,
                        programs=Path(kubectl_program()).parent,
                    ),
                    flush=True,
                )
                wait_for(
                    lambda: asked_to_stop or not operator.process.is_running,
                    timeout=float("inf"),
                    what="Ctrl-C",
                    interval=0.3,
                )
                if not asked_to_stop:
                    print(
                        f"error: the operator ended by itself\n{operator.process.last_output()}",
                        file=sys.stderr,
                    )
                    return 1
            finally:
                if operator.is_running:
                    operator.stop()
        except KeyboardInterrupt:
            pass
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(run())
