"""Every example of README.md and docs/ does what is printed, and every link leads somewhere."""

from __future__ import annotations

import os
import re
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docs.examples import examples, run_all
from tests.servers.openbao import DevOpenBao

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")])

# Where the documents say that OpenBao listens; here it listens on a free port.
PRINTED_OPENBAO = "http://127.0.0.1:8200"
# The same for an operator that a document starts.
PRINTED_ADDRESSES = ("127.0.0.1:8080", "127.0.0.1:8081")


def document(path: Path) -> object:
    needs = {word for example in examples(path.read_text()) for word in example.words}
    marks = [pytest.mark.xdist_group("apiserver")] if "apiserver" in needs else []
    return pytest.param(path, id=str(path.relative_to(REPOSITORY)), marks=marks)


@pytest.mark.parametrize("path", [document(path) for path in DOCUMENTS])
def test_the_examples_do_what_is_printed(path: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text()
    needs = {word for example in examples(text) for word in example.words}
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        **{f"GIT_{who}_NAME": "A reader" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "reader@example.com" for who in ("AUTHOR", "COMMITTER")},
    }
    if "openbao" in needs:
        openbao: DevOpenBao = request.getfixturevalue("own_openbao")
        text = text.replace(PRINTED_OPENBAO, openbao.url)
        for product in ("VAULT", "BAO"):
            environment |= {f"{product}_ADDR": openbao.url, f"{product}_TOKEN": openbao.token}
    if "apiserver" in needs:
        environment["KUBECONFIG"] = str(request.getfixturevalue("apiserver").admin_kubeconfig)
    with ExitStack() as sockets:
        for address in PRINTED_ADDRESSES:
            free = sockets.enter_context(socket.socket())
            free.bind(("127.0.0.1", 0))
            text = text.replace(address, "{}:{}".format(*free.getsockname()))
    folder = tmp_path / "reader"
    folder.mkdir()
    if "apiserver" in needs:
        # What is done to a cluster is done in a checkout.
        for name in ("crds", "deploy"):
            (folder / name).symlink_to(REPOSITORY / name)
    run_all(examples(text), folder, environment, (REPOSITORY / "Makefile").read_text())


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=str(path.relative_to(REPOSITORY)))
        for path in sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
    ],
)
def test_links_within_the_repository_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?![a-z]+:|#)([^)#\s]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []
