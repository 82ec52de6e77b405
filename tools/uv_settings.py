"""Prints, as shell, the settings that make uv use the registries that pip uses on this machine.

uv reads neither pip's configuration files nor its environment variables. What is set for uv is left alone.
Runs under the Python that uv was installed with, on its standard library alone.
"""

import ast
import os
import shlex
import subprocess
import sys

# pip's option, uv's variables, and what separates many values there (None where there is one value only).
SETTINGS = (
    ("index-url", ("UV_DEFAULT_INDEX",), None),
    ("extra-index-url", ("UV_INDEX",), " "),
    ("find-links", ("UV_FIND_LINKS",), ","),
    ("no-index", ("UV_NO_INDEX",), None),
    ("trusted-host", ("UV_INSECURE_HOST",), " "),
    ("cert", ("SSL_CERT_FILE",), None),
    ("proxy", ("HTTPS_PROXY", "HTTP_PROXY"), None),
    ("timeout", ("UV_HTTP_TIMEOUT",), None),
)


def pip_options() -> dict[str, str]:
    """pip's own account of its options, whatever file or variable they come from."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    options: dict[str, str] = {}
    # A variable wins over a command's section, that over the global one.
    for section in ("global.", "install.", ":env:."):
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(section):
                options[name.removeprefix(section).removeprefix("default-")] = str(ast.literal_eval(value))
    return options


def uv_settings(options: dict[str, str], environment: dict[str, str]) -> dict[str, str]:
    """What uv has to be told, beyond what the environment tells it already."""
    # As pip does: the registries together, not the first that knows the name. The lock's hashes decide.
    settings = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for option, variables, separator in SETTINGS:
        value = options.get(option)
        if value:
            joined = value if separator is None else separator.join(value.split())
            settings.update(dict.fromkeys(variables, joined))
    return {name: value for name, value in settings.items() if name not in environment}


if __name__ == "__main__":
    for variable, text in uv_settings(pip_options(), dict(os.environ)).items():
        print(f"export {variable}={shlex.quote(text)}")
