"""`sealbridge operator`: run in a cluster. Parses and starts; the work is `sealbridge.operator`'s."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from dataclasses import fields
from typing import Any

from sealbridge.errors import UsageError
from sealbridge.operator.settings import Settings, option_of

_SHORT = {"namespace": ("-n",)}

EPILOG = """\
example:
  sealbridge operator --kubeconfig ~/.kube/config --namespace sealbridge

Each flag has an environment variable, SEALBRIDGE_ and its name: SEALBRIDGE_LOG_LEVEL=debug. The flags
and variables (SEALED_SECRETS_...) of the Sealed Secrets controller are understood.
One replica runs at a time.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags. Their defaults are those of the settings, after the environment."""
    parser.epilog = EPILOG
    for field in fields(Settings):
        option = option_of(field.name)
        names = [f"--{field.name.replace('_', '-')}", *_SHORT.get(field.name, ())]
        nargs: dict[str, Any] = {"nargs": "?", "const": "true"} if option.flag else {}
        parser.add_argument(*names, metavar=option.metavar, help=option.help, **nargs)


def run(args: argparse.Namespace) -> int:
    """Run until a signal. Raises SealbridgeError."""
    try:
        from sealbridge.operator import logs, process
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "sealbridge":
            raise
        raise UsageError(
            f"the operator needs the package {error.name}", hint="pip install 'sealbridge[operator]'"
        ) from None
    settings = Settings.read(vars(args))
    logs.configure(settings.log_level, format_=settings.log_format, info_to_stdout=settings.log_info_stdout)
    code = process.run(settings)
    logging.shutdown()
    if any(thread.is_alive() and not thread.daemon for thread in threading.enumerate()[1:]):
        # A store's SDK may sit in a thread until its own timeout; nothing of it is of use any more.
        sys.stdout.flush()
        os._exit(code)
    return code
