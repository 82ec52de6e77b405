"""`make cluster`: what it prints works as printed, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.apiserver import REPOSITORY
from tests.servers.process import Process, wait_for

PROMPT = "Press Ctrl-C"


def test_the_printed_commands_make_a_secret_and_ctrl_c_cleans_up(tmp_path: Path) -> None:
    cluster = Process(
        [sys.executable, "-m", "tests.servers.cluster"], tmp_path / "cluster.log", folder=REPOSITORY
    )
    cluster.start()
    try:
        cluster.wait_until(lambda: PROMPT in cluster.log.read_text(), timeout=120)
        printed = cluster.log.read_text()
        (commands,) = re.findall(rf"(?s)In another terminal:\n(.*)\n{PROMPT}", printed)
        exports = "\n".join(line for line in commands.splitlines() if "export " in line)

        shown = bash(commands)
        assert "sealedsecret.bitnami.com/hello created" in shown

        wait_for(
            lambda: bash(f"{exports}\nkubectl get secrets -o name") == "secret/hello\n",
            timeout=30,
            what="the operator to unseal what was applied",
        )
        assert bash(f"{exports}\nkubectl get secret hello -o jsonpath='{{.data.greeting}}'") == "aGk="
    finally:
        cluster.stop(by=signal.SIGINT, timeout=60)
    assert cluster.exit_code == 0, cluster.last_output()
    assert [path for path in folders() if str(path) in printed] == []


def bash(script: str) -> str:
    return subprocess.run(
        ["bash", "-c", script], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def folders() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob("sealbridge-cluster-*"))
