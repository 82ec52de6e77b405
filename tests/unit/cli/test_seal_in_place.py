"""Secrets sealed where they stand: what stays, what changes, what is refused."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealbridge.errors import ManifestError
from sealbridge.manifest_text import ManifestText
from sealbridge.manifests import read_documents
from sealbridge.repo.in_place import seal_in_place
from sealbridge.sealing.choosing import Wishes
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.sealed_secret import SealedSecret
from tests.canary import Canary
from tests.sealing_keys import sealing_key
from tests.unit.cli.conftest import Run

SCRIPT = [sys.executable, "-c", "import sys; from sealbridge_cli.main import run; sys.exit(run())"]


def opened(text: str | bytes) -> dict[str, dict[str, str]]:
    """The items of every SealedSecret, by namespace/name."""
    data = text.encode() if isinstance(text, str) else text
    found = {}
    for document in read_documents(data, file="sealed"):
        if document.obj.get("kind") == "SealedSecret":
            sealed = SealedSecret.from_manifest(document.obj)
            items = unseal_items(sealed, Keyring([sealing_key()]))
            found[f"{sealed.namespace}/{sealed.name}"] = {k: v.reveal().decode() for k, v in items.items()}
    return found


COMMENTED = """\
# Owner: team shop
---
# The database
apiVersion: v1
kind: Secret # plain
metadata: # meta
  # the name
  name: db  # db!
  labels:   # lab
    app: shop
    # below labels
  namespace: shop
  annotations:
    note: "x"
    sealedsecrets.bitnami.com/namespace-wide: "true"
# what type
type: Opaque

stringData: # values
  # rotated in May
  password: hunter2zz  # trailing

  "user": 'admin'
  cert: | # in pem
    abc
    def
  # after the last
data:
    bin: aGVsbG8=
# the end
---
apiVersion: v1
kind: ConfigMap
metadata: {name:   x}
data:
  a:   "b"   # odd
"""

SEALED = """\
# Owner: team shop
---
# The database
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret # plain
metadata: # meta
  # the name
  name: db  # db!
  namespace: shop
  annotations:
    sealbridge.io/sealed-with: FINGERPRINT
    sealedsecrets.bitnami.com/namespace-wide: "true"

# values
spec:
  encryptedData:
    # rotated in May
    password: AQ  # trailing

    "user": AQ
    cert: AQ # in pem
    # after the last
    bin: AQ
  template:
    metadata:
      name: db
      namespace: shop
      labels:   # lab
        app: shop
        # below labels
      annotations:
        note: "x"
        sealedsecrets.bitnami.com/namespace-wide: "true"
    # what type
    type: Opaque
# the end
---
apiVersion: v1
kind: ConfigMap
metadata: {name:   x}
data:
  a:   "b"   # odd
"""


def shortened(text: str) -> str:
    """Sealed values as `AQ`."""
    words = [line.split(" ") for line in text.split("\n")]
    short = [["AQ" if len(w) > 300 and w.startswith("AQ") else w for w in line] for line in words]
    return "\n".join(" ".join(line) for line in short).replace(sealing_key().fingerprint, "FINGERPRINT")


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_comments_order_and_other_documents_stay(
    run: Run, cert: str, tmp_path: Path, line_break: str
) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(COMMENTED.replace("\n", line_break).encode())
    outcome = run("seal", "--cert", cert, "-i", "-f", "s.yaml")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == "1 Secret sealed, in 1 file\nleft as they are: 1 other document\n"
    text = file.read_bytes().decode()
    assert shortened(text.replace("\r\n", "\n")) == SEALED
    assert ("\r\n" in text) == (line_break == "\r\n")
    assert text.count("\n") == text.count(line_break)
    assert opened(text) == {
        "shop/db": {"password": "hunter2zz", "user": "admin", "cert": "abc\ndef\n", "bin": "hello"}
    }


def test_a_second_run_changes_nothing(run: Run, cert: str, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(COMMENTED)
    run("seal", "--cert", cert, "-i", "-f", "s.yaml")
    first = file.read_bytes()
    outcome = run("seal", "--cert", cert, "--in-place", "-f", "s.yaml")
    assert (outcome.code, file.read_bytes()) == (0, first)
    assert outcome.err.startswith("0 Secrets sealed, in 0 files\nleft as they are: 1 SealedSecret, 1 other")


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: value-a}\n",
        "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}, stringData: {a: value-a}}\n",
        (
            "kind: List\napiVersion: v1\nitems:\n- kind: ConfigMap\n  apiVersion: v1\n- apiVersion: v1\n"
            "  kind: Secret\n  metadata:\n    name: db\n    namespace: shop\n  stringData:\n    a: value-a\n"
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\n"
            "data:\n  a: b2xk\nstringData:\n  a: value-a\n"
        ),
        "stringData:\n  a: value-a\nmetadata:\n  namespace: shop\n  name: db\nkind: Secret\napiVersion: v1",
        (
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: &n db\n  namespace: shop\n"
            "  labels:\n    app: *n\nstringData:\n  a: value-a\n"
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\nstringData:\n"
            "  a: >-\n    value-a\n\n\n"
        ),
        (
            '"apiVersion": "v1"\n"kind": "Secret"\n"metadata":\n  "name": "db"\n  "namespace": "shop"\n'
            '"stringData":\n  "a": "value\\\n    -a"\n'
        ),
        json.dumps(
            {
                "kind": "Secret",
                "apiVersion": "v1",
                "metadata": {"name": "db", "namespace": "shop"},
                "stringData": {"a": "value-a"},
            }
        ),
        (
            "\ufeffapiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\n"
            "stringData:\n  a: value-a\n"
        ),
    ],
)
def test_every_way_to_write_a_secret_is_sealed(run: Run, cert: str, tmp_path: Path, text: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    outcome = run("seal", "--cert", cert, "-i", "-f", "s.yaml")
    assert outcome.code == 0, outcome.err
    assert opened(file.read_bytes()) == {"shop/db": {"a": "value-a"}}
    assert "value-a" not in file.read_text()
    assert "Secret sealed, in 1 file" in outcome.err


def test_what_has_no_lines_to_keep_comments_in_is_said(run: Run, cert: str, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "# top\n{apiVersion: v1, kind: Secret, # lost\n  metadata: {name: db, namespace: shop},"
        "\n  stringData: {a: value-a}}\n"
    )
    outcome = run("seal", "--cert", cert, "-i", "-f", "s.yaml")
    assert "warning: s.yaml: document 1, line 2: its comments and layout could not be kept\n" in outcome.err
    assert file.read_text().startswith("# top\napiVersion: bitnami.com/v1alpha1\n")


def test_braces_keep_comments_around_them_also_where_a_value_has_a_number_sign(
    run: Run, cert: str, tmp_path: Path
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "apiVersion: v1\n# above\nkind: Secret\nmetadata: {name: db, namespace: shop} # beside\n"
        'stringData: {a: "value #a", "b": \'#b\'}\n# below\ntype: Opaque\n'
    )
    outcome = run("seal", "--cert", cert, "-i", "-f", "s.yaml")
    assert outcome.err == "1 Secret sealed, in 1 file\n"
    assert opened(file.read_bytes()) == {"shop/db": {"a": "value #a", "b": "#b"}}
    assert [line for line in ("# above", "# beside", "# below") if line in file.read_text()] == [
        "# above",
        "# beside",
        "# below",
    ]


def test_lists_in_brackets_are_sealed(run: Run, cert: str, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "# top\n{apiVersion: v1, kind: List, items: [\n"
        "  {apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}, stringData: {a: value-a}},\n"
        "  {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}]}\n"
    )
    outcome = run("seal", "--cert", cert, "-i", "-f", "s.yaml")
    assert outcome.code == 0, outcome.err
    assert opened(file.read_bytes()) == {"shop/db": {"a": "value-a"}}
    assert file.read_text().startswith("# top\n{apiVersion: v1, kind: List, items: [\n")
    assert "value-a" not in file.read_text()


def test_what_is_written_anew_has_the_line_ends_of_the_file(run: Run, cert: str, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    text = "{apiVersion: v1, kind: Secret,\n metadata: {name: db, namespace: shop},\n stringData: {a: v}}\n"
    file.write_bytes(text.replace("\n", "\r\n").encode())
    assert run("seal", "--cert", cert, "-i", "-f", "s.yaml").code == 0
    after = file.read_bytes()
    assert after.count(b"\n") == after.count(b"\r\n") > 8


PAIR = """\
# sealed
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db
  namespace: shop
spec:
  encryptedData:
    old: {old} # stays
    user: {user}
"""


def pair(run: Run, cert: str) -> str:
    lines = run(
        *("seal-value", "--cert", cert, "--name", "db", "-n", "shop"),
        *("--from-literal", "old=old-value", "--from-literal", "user=admin"),
    ).out
    values = yaml.safe_load(lines)
    return PAIR.format(**values)


def test_a_secret_beside_its_sealed_secret_is_sealed_into_it(
    run: Run, cert: str, key: str, tmp_path: Path
) -> None:
    sealed = pair(run, cert)
    plain = (
        "---\napiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop, labels: {app: x}}\n"
        "stringData: {user: admin, new: new-value}\n"
    )
    file = tmp_path / "s.yaml"
    file.write_text(sealed + plain)
    outcome = run("seal", "--cert", cert, "--key", key, "-i", "-f", "s.yaml")
    assert outcome.code == 0
    assert "s.yaml: document 1, line 2: kept as they were: old\n" in outcome.err
    assert "0 Secrets sealed, 1 sealed into SealedSecrets that were there, in 1 file\n" in outcome.err
    text = file.read_text()
    for line in sealed.splitlines():
        assert f"{line}\n" in text  # also `user`, whose value is the same
    assert opened(text) == {"shop/db": {"old": "old-value", "user": "admin", "new": "new-value"}}
    (document,) = read_documents(text.encode(), file="s")
    assert document.obj["spec"]["template"]["metadata"]["labels"] == {"app": "x"}


def test_plain_values_on_a_sealed_secret_are_sealed_into_it(run: Run, cert: str, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(pair(run, cert) + "stringData:\n  user: other\n")
    outcome = run("seal", "--cert", cert, "-i", "-f", "s.yaml")
    assert outcome.code == 0
    assert opened(file.read_text()) == {"shop/db": {"old": "old-value", "user": "other"}}
    assert "stringData" not in file.read_text()
    assert "# stays\n" in file.read_text()


def test_a_new_scope_seals_everything_again_or_nothing(run: Run, cert: str, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    plain = "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: shop}}\nstringData: {}\n"
    file.write_text(pair(run, cert) + plain.format("{user: admin}"))
    before = file.read_bytes()
    outcome = run("seal", "--cert", cert, "-i", "-f", "s.yaml", "--scope", "namespace-wide")
    assert outcome.code == 1
    assert "changes from strict to namespace-wide, and these items are only there sealed: old" in outcome.err
    assert file.read_bytes() == before
    file.write_text(pair(run, cert) + plain.format("{user: admin, old: again}"))
    assert run("seal", "--cert", cert, "-i", "-f", "s.yaml", "--scope", "namespace-wide").code == 0
    assert opened(file.read_text()) == {"shop/db": {"old": "again", "user": "admin"}}
    assert "# stays\n" in file.read_text()


def tree(folder: Path, names: list[str], text: str = "") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            text
            or "apiVersion: v1\nkind: Secret\nmetadata:\n"
            f"  name: n{len(name)}\n  namespace: shop\nstringData:\n  a: value-{name}\n"
        )


def test_a_tree_is_sealed_with_all_its_folders(run: Run, cert: str, tmp_path: Path) -> None:
    tree(tmp_path / "env", ["a.yaml", "b/c.yml", "b/d/e.json", "b/.hidden/f.yaml", "b/g.txt"])
    (tmp_path / "env/b/d/e.json").write_text(
        '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"j","namespace":"shop"},"data":{"a":"eA=="}}'
    )
    tree(tmp_path / "env", ["chart/t.yaml"], "{{ if .x }}\nkind: Thing\n{{ end }}\n")
    (tmp_path / "env/link.yaml").symlink_to(tmp_path / "env/a.yaml")
    outcome = run("seal", "--cert", cert, "-i", "-r", "-f", "env")
    assert outcome.code == 0, outcome.err
    assert outcome.err == (
        "links are not followed: env/link.yaml\n3 Secrets sealed, in 3 files\n"
        "left as they are: 1 file that no manifests are in\n"
    )
    assert "value-" in (tmp_path / "env/b/.hidden/f.yaml").read_text()
    assert "value-" in (tmp_path / "env/b/g.txt").read_text()
    assert json.loads((tmp_path / "env/b/d/e.json").read_text())["kind"] == "SealedSecret"


def test_many_files_are_sealed_by_several_processes_in_the_same_way(
    run: Run, cert: str, tmp_path: Path
) -> None:
    names = [f"{n % 7}/{n}.yaml" for n in range(450)]
    tree(tmp_path / "env", names)
    tree(
        tmp_path / "env",
        ["x/odd.yaml"],
        "{apiVersion: v1, kind: Secret, metadata: {name: o, namespace: shop}, stringData: {a: value-odd}}\n",
    )
    outcome = run("seal", "--cert", cert, "-i", "-r", "-f", "env")
    assert "451 Secrets sealed, in 451 files\n" in outcome.err
    assert outcome.code == 0
    for name in names[::50]:
        assert f"value-{name}" in str(opened((tmp_path / "env" / name).read_text()))
    # What each process has sealed is on record.
    assert (tmp_path / "cache/seal-records").stat().st_size == 451 * 32
    tree(tmp_path / "env", ["1/bad.yaml"], "kind: Secret\napiVersion: v1\nmetadata: {name: BAD}\n")
    tree(tmp_path / "env", ["1/new.yaml"])
    failed = run("seal", "--cert", cert, "-i", "-r", "-f", "env")
    assert failed.code == 1
    assert failed.err.startswith("error: env/1/bad.yaml: document 1, line 1: metadata.name is not a name")
    assert failed.err.endswith("nothing was written\n")
    assert "value-" in (tmp_path / "env/1/new.yaml").read_text()


def test_comments_about_items_stay(run: Run, cert: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData:\n"
        "  user: admin # the admin\n  # port: as everywhere, 5432\n  port: '5432'\n"
    )
    assert run("seal", "--cert", cert, "-i", "-f", "s.yaml").code == 0
    text = (tmp_path / "s.yaml").read_text()
    assert " # the admin\n    # port: as everywhere, 5432\n" in text


def test_progress_is_shown_on_a_terminal_and_nowhere_else(cert: str, tmp_path: Path) -> None:
    names = [f"{n}.yaml" for n in range(80)]
    command = [*SCRIPT, "seal", "--cert", cert, "-i", "-r", "-f", "env"]
    tree(tmp_path / "env", names)
    piped = subprocess.run(command, cwd=tmp_path, stderr=subprocess.PIPE, check=True)
    assert piped.stderr == b"80 Secrets sealed, in 80 files\n"
    tree(tmp_path / "env", names)
    reading, writing = os.openpty()
    subprocess.run(command, cwd=tmp_path, stderr=writing, check=True)
    os.close(writing)
    shown = b""
    with contextlib.suppress(OSError):
        while piece := os.read(reading, 1 << 16):
            shown += piece
    os.close(reading)
    assert b"\r\x1b[Ksealing: 1 of 80 (1 %)" in shown
    assert shown.endswith(b"\r\x1b[K80 Secrets sealed, in 80 files\r\n")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("kind: Secret\napiVersion: v1\nmetadata: {name: a, namespace: b}\n", "the Secret has no items"),
        ("kind: Secret\napiVersion: v1\nmetadata: {name: a}\nstringData: {a: b}\n", "no namespace"),
        ("kind: Secret\napiVersion: v2\n", "only a Secret of v1 can be sealed"),
        ("{{ if .x }}\nkind: Secret\n{{ end }}\n", "document 1, line"),
        ("kind: Secret\nkind: Secret\n", "the key 'kind' is there twice"),
        ("a: \xff\xfe", "it is not UTF-8"),
        (
            (
                "kind: SecretList\napiVersion: v1\nitems:\n- metadata: {name: a, namespace: b}\n"
                "  stringData: {a: b}\n"
            ),
            "a SecretList cannot hold a SealedSecret",
        ),
        ("---\n# password: hunter1\n" + COMMENTED, "a comment holds a value of the item 'password'"),
        ("# password: hunter1\n" + COMMENTED, "a comment holds a value of the item 'password'"),
        (COMMENTED.replace("rotated in May", "was hunter2zz"), "a comment holds a value of the item"),
        (
            COMMENTED.replace("rotated in May", 'password: "old" # gone'),
            "a comment holds a value of the item",
        ),
        (
            COMMENTED.replace("rotated in May", "password: 'an old one'"),
            "a comment holds a value of the item",
        ),
        (
            COMMENTED.replace("hunter2zz", "hunter2zzz").replace("rotated in May", "was aHVudGVyMnp6eg"),
            "a comment holds a value",
        ),
        (COMMENTED.replace("# trailing", f"# {base64.b64encode(b'hunter2zz').decode()}"), "a comment holds"),
        (
            COMMENTED.split("---\n")[1] + "---\n" + COMMENTED.split("---\n")[1],
            "this Secret is in the file tw",
        ),
        (
            (
                "kind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata: {name: a}\nspec: {}\n"
                "stringData: {a: b}\n"
            ),
            "the SealedSecret has no namespace",
        ),
    ],
)
def test_what_cannot_be_sealed_is_named_and_nothing_is_written(
    run: Run, cert: str, tmp_path: Path, text: str, error: str
) -> None:
    good, bad = tmp_path / "env/a.yaml", tmp_path / "env/b.yaml"
    tree(tmp_path / "env", ["a.yaml"])
    bad.write_bytes(text.encode("latin-1"))
    before = good.read_bytes(), bad.read_bytes()
    outcome = run("seal", "--cert", cert, "-i", "-f", "env/a.yaml", "env/b.yaml")
    assert outcome.code == 1
    assert outcome.err.startswith("error: env/b.yaml: ")
    assert error in outcome.err
    assert "hunter" not in outcome.err
    assert (good.read_bytes(), bad.read_bytes()) == before
    assert sorted(path.name for path in (tmp_path / "env").iterdir()) == ["a.yaml", "b.yaml"]


@pytest.mark.parametrize(
    "options",
    [["-w", "x"], ["-o", "json"], ["--name", "x"], ["-f", "-"], ["--from-literal", "a=b", "--name", "x"]],
)
def test_options_that_make_no_sense_in_place_are_refused(run: Run, cert: str, options: list[str]) -> None:
    outcome = run("seal", "--cert", cert, "-i", *(["-f", "a.yaml"] if "-f" not in options else []), *options)
    assert outcome.code == 2


def test_a_folder_needs_the_option_and_a_missing_file_is_named(run: Run, cert: str, tmp_path: Path) -> None:
    tree(tmp_path / "env", ["a.yaml"])
    assert run("seal", "--cert", cert, "-i", "-f", "env").code == 2
    outcome = run("seal", "--cert", cert, "-i", "-f", "none.yaml")
    assert outcome.err.startswith("error: none.yaml: cannot read it: no such file")
    assert run("seal", "--cert", cert, "-i", "-r").code == 2


@pytest.mark.parametrize(
    "command",
    [
        ["seal", "-i", "-f", "pipe"],
        ["reseal", "--key", "key.pem", "-f", "pipe"],
        ["merge", "pipe", "--from-literal", "a=b"],
    ],
    ids=["seal", "reseal", "merge"],
)
def test_a_pipe_is_not_edited_in_place(
    run: Run, cert: str, key: str, tmp_path: Path, command: list[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    outcome = run(*command, "--cert", cert)
    assert outcome.code == 1
    assert "error: pipe: only a regular file is edited in place\n" in outcome.err


def test_a_folder_that_cannot_be_written_to_is_named_and_the_file_stays(cert: str, tmp_path: Path) -> None:
    tree(tmp_path / "env", ["a.yaml"])
    (tmp_path / "env").chmod(0o500)
    before = (tmp_path / "env/a.yaml").read_bytes()
    # Root may write everywhere, unless that right is taken off.
    bound = ["setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override"] * (os.geteuid() == 0)
    command = [*bound, *SCRIPT, "seal", "--cert", cert, "-i", "-f", "env/a.yaml", "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    (tmp_path / "env").chmod(0o700)
    assert "error: env/a.yaml: cannot write it: permission denied" in done.stderr
    assert (done.returncode, (tmp_path / "env/a.yaml").read_bytes()) == (1, before)


def test_killed_half_way_every_file_is_whole_and_a_second_run_does_the_rest(
    cert: str, tmp_path: Path
) -> None:
    names = [f"{n}.yaml" for n in range(120)]
    tree(tmp_path / "env", names)
    command = [*SCRIPT, "seal", "--cert", cert, "-i", "-r", "-f", "env"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    watched = tmp_path / "env/60.yaml"
    while process.poll() is None and "SealedSecret" not in watched.read_text():
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    kinds = [yaml.safe_load((tmp_path / "env" / name).read_text())["kind"] for name in names]
    assert set(kinds) <= {"Secret", "SealedSecret"}
    subprocess.run(command, cwd=tmp_path, check=True, stderr=subprocess.DEVNULL)
    assert all("value-" not in (tmp_path / "env" / name).read_text() for name in names)


def test_no_value_is_seen_anywhere(run: Run, cert: str, tmp_path: Path, canary: Canary) -> None:
    value = canary("a value sealed in place")
    file = tmp_path / "s.yaml"
    file.write_text(COMMENTED.replace("hunter2zz", value))
    outcome = run("seal", "--cert", cert, "-i", "-f", "s.yaml")
    assert outcome.code == 0
    canary.seen(outcome.err, "stderr of seal --in-place")
    # The canary searches the file and the records of what was sealed, too.
    assert (tmp_path / "cache/seal-key").stat().st_mode & 0o777 == 0o600


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)
ITEM_KEYS = st.from_regex(r"[-._a-zA-Z0-9]{1,8}", fullmatch=True).filter(lambda key: key.strip("."))


@given(
    st.dictionaries(
        ITEM_KEYS, TEXTS | st.sampled_from(["a\nb\n", "\n\n", "x\n", "yes", "1", "|"]), min_size=1, max_size=5
    ),
    st.dictionaries(TEXTS.filter(bool), TEXTS, max_size=2),
    st.integers(1, 6),
    st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_secret_in_any_indentation_is_sealed_with_its_comments(
    items: dict[str, str], labels: dict[str, str], indent: int, first: bool
) -> None:
    metadata: dict[str, Any] = {"name": "db", "namespace": "shop"} | ({"labels": labels} if labels else {})
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": items}
    if first:
        obj = dict(reversed(obj.items()))
    body = yaml.safe_dump(obj, indent=indent, sort_keys=False, allow_unicode=True)
    lines = [
        f"# top {n}\n{line}" if line[:1] not in " -\n" else line
        for n, line in enumerate(body.splitlines(keepends=True))
    ]
    text = "".join(lines)
    try:
        if [document.obj for document in read_documents(text.encode(), file="t")] != [obj]:
            return  # YAML that means something else to kubectl
    except ManifestError:
        return
    outcome = seal_in_place(
        ManifestText(text.encode(), file="t"), sealing_key().certificate, Wishes(), lambda label: []
    )
    assert outcome.errors == []
    assert opened(outcome.data) == {"shop/db": items}
    for line in lines:
        if line.startswith("# top") and not outcome.flattened:
            assert line.split("\n")[0].encode() in outcome.data
