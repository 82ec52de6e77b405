"""`sealbridge operator`: run in a cluster. Parses and starts; the work is `sealbridge.operator`'s."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading

from sealbridge.errors import UsageError

EPILOG = """\
example:
  sealbridge operator --kubeconfig ~/.kube/config --namespace sealbridge

Each flag has an environment variable, SEALBRIDGE_ and its name: SEALBRIDGE_LOG_LEVEL=debug.
One replica runs at a time.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags. Their defaults are those of the settings, after the environment."""
    parser.epilog = EPILOG
    parser.add_argument(
        "--namespace",
        "-n",
        metavar="NAME",
        help="where the sealing keys live (default: $POD_NAMESPACE, the pod's namespace, or `default`)",
    )
    parser.add_argument(
        "--watch-namespaces",
        metavar="NAME,...",
        help="serve these namespaces only, and no cluster stores (default: all)",
    )
    parser.add_argument(
        "--listen-addr",
        metavar="ADDRESS",
        help="for /healthz, /readyz and /v1/cert.pem (default: :8080)",
    )
    parser.add_argument("--listen-metrics-addr", metavar="ADDRESS", help="for /metrics (default: :8081)")
    parser.add_argument(
        "--kubeconfig",
        metavar="FILE",
        help="(default: $KUBECONFIG, the service account of the pod, or ~/.kube/config)",
    )
    parser.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error (default: info)")
    parser.add_argument(
        "--key-size",
        type=int,
        metavar="BITS",
        help="of the sealing key that is made when there is none (4096)",
    )
    parser.add_argument(
        "--workers", type=int, metavar="NUMBER", help="objects that are worked on at once (default: 16)"
    )


def run(args: argparse.Namespace) -> int:
    """Run until a signal. Raises SealbridgeError."""
    try:
        from sealbridge.operator import logs, process
        from sealbridge.operator.settings import Settings
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "sealbridge":
            raise
        raise UsageError(
            f"the operator needs the package {error.name}", hint="pip install 'sealbridge[operator]'"
        ) from None
    settings = Settings.read(vars(args))
    logs.configure(settings.log_level)
    code = process.run(settings)
    logging.shutdown()
    if any(thread.is_alive() and not thread.daemon for thread in threading.enumerate()[1:]):
        # A store's SDK may sit in a thread until its own timeout; nothing of it is of use any more.
        sys.stdout.flush()
        os._exit(code)
    return code
