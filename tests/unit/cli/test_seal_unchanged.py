"""Sealing again: what did not change keeps its sealed form, to the byte."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import yaml

from sealbridge.repo.seal_records import SealRecords
from sealbridge.secret import Value
from tests.canary import Canary
from tests.sealing_keys import sealing_key
from tests.unit.cli.conftest import Run


def secret(items: dict[str, str], **metadata: Any) -> str:
    whole = {"name": "db", "namespace": "shop", **metadata}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": whole, "stringData": items})


def sealed(path: Path) -> dict[str, str]:
    data: dict[str, str] = yaml.safe_load(path.read_text())["spec"]["encryptedData"]
    return data


WAYS = pytest.mark.parametrize("way", ["record", "key", "both"])


def options(way: str, key: str) -> list[str]:
    return {"record": [], "key": ["--no-cache", "--key", key], "both": ["--key", key]}[way]


@WAYS
def test_only_changed_items_are_sealed_again(run: Run, cert: str, key: str, tmp_path: Path, way: str) -> None:
    out = tmp_path / "out.yaml"
    seal = ["seal", "--cert", cert, "-w", "out.yaml", *options(way, key)]
    assert run(*seal, stdin=secret({"a": "1", "b": "2", "c": "3"})).code == 0
    first = out.read_bytes()
    before = sealed(out)
    run(*seal, stdin=secret({"a": "1", "b": "2", "c": "3"}))
    assert out.read_bytes() == first
    run(*seal, stdin=secret({"a": "1", "b": "new", "d": "4"}))
    after = sealed(out)
    assert after.keys() == {"a", "b", "d"}
    assert after["a"] == before["a"]
    assert after["b"] != before["b"]
    opened = yaml.safe_load(run("unseal", "--key", key, "-f", "out.yaml").out)["data"]
    assert opened == {"a": "MQ==", "b": "bmV3", "d": "NA=="}


@WAYS
@pytest.mark.parametrize(
    ("text", "more"),
    [
        (secret({"a": "1"}, name="other"), []),
        (secret({"a": "1"}, namespace="other"), []),
        (secret({"a": "1"}), ["--scope", "cluster-wide"]),
        (secret({"a": "1"}), ["--scope", "namespace-wide"]),
        (secret({"a": "2"}), []),
        (secret({"a": "1"}), ["--cert", "other.pem"]),
    ],
    ids=["name", "namespace", "cluster-wide", "namespace-wide", "value", "certificate"],
)
def test_whatever_a_value_is_bound_to_changes_it(
    run: Run, cert: str, key: str, tmp_path: Path, way: str, text: str, more: list[str]
) -> None:
    (tmp_path / "other.pem").write_bytes(sealing_key(1).certificate.pem)
    seal = ["seal", "--cert", cert, "-w", "out.yaml", *options(way, key)]
    run(*seal, stdin=secret({"a": "1"}))
    before = sealed(tmp_path / "out.yaml")["a"]
    assert run(*seal, *more, stdin=text).code == 0
    assert sealed(tmp_path / "out.yaml")["a"] != before


def test_a_sealed_form_that_somebody_else_wrote_is_not_vouched_for(
    run: Run, cert: str, tmp_path: Path
) -> None:
    seal = ["seal", "--cert", cert, "-w", "out.yaml"]
    out = tmp_path / "out.yaml"
    run(*seal, stdin=secret({"a": "1", "b": "2"}))
    swapped = yaml.safe_load(out.read_text())
    data = swapped["spec"]["encryptedData"]
    data["a"], data["b"] = data["b"], data["a"]
    out.write_text(yaml.safe_dump(swapped))
    run(*seal, stdin=secret({"a": "1", "b": "2"}))
    assert not set(sealed(out).values()) & set(data.values())


def test_without_record_and_key_everything_is_sealed_again(run: Run, cert: str, tmp_path: Path) -> None:
    seal = ["seal", "--cert", cert, "-w", "out.yaml", "--no-cache"]
    run(*seal, stdin=secret({"a": "1"}))
    before = sealed(tmp_path / "out.yaml")
    run(*seal, stdin=secret({"a": "1"}))
    assert sealed(tmp_path / "out.yaml") != before
    assert not (tmp_path / "cache").exists()


def test_comments_of_the_sealed_file_stay(run: Run, cert: str, tmp_path: Path) -> None:
    seal = ["seal", "--cert", cert, "-w", "out.yaml"]
    out = tmp_path / "out.yaml"
    run(*seal, stdin=secret({"a": "1", "b": "2"}))
    out.write_text("# ours\n" + out.read_text().replace("    b: ", "    # about b\n    b: "))
    text = out.read_text()
    run(*seal, stdin=secret({"a": "1", "b": "2"}))
    assert out.read_text() == text
    run(*seal, stdin=secret({"a": "1", "b": "3"}, labels={"app": "x"}))
    assert out.read_text().startswith("# ours\n---\n")
    assert "    # about b\n    b: " in out.read_text()
    assert yaml.safe_load(out.read_text())["spec"]["template"]["metadata"]["labels"] == {"app": "x"}


@pytest.mark.parametrize("old", ["", "not: [yaml", "\x00\xff", "kind: ConfigMap\n", "[]", "a: 1\na: 2\n"])
def test_whatever_stood_in_the_file_is_written_over(run: Run, cert: str, tmp_path: Path, old: str) -> None:
    (tmp_path / "out.yaml").write_bytes(old.encode("latin-1"))
    assert run("seal", "--cert", cert, "-w", "out.yaml", stdin=secret({"a": "1"})).code == 0
    assert list(sealed(tmp_path / "out.yaml")) == ["a"]


def test_records_hold_nothing_that_could_be_guessed(tmp_path: Path, canary: Canary) -> None:
    value = Value(canary("a recorded value").encode())
    certificate = sealing_key().certificate
    records = SealRecords(str(tmp_path / "one"))
    made = records.record(certificate, b"a/b", "item", "sealed", value)
    assert made is not None
    records.keep([made])
    again = SealRecords(str(tmp_path / "one"))
    assert again.voucher(certificate, b"a/b")("item", "sealed", value)
    assert not again.voucher(certificate, b"a/c")("item", "sealed", value)
    assert not again.voucher(certificate, b"a/b")("other", "sealed", value)
    assert not again.voucher(certificate, b"a/b")("item", "sealed2", value)
    assert not again.voucher(certificate, b"a/b")("item", "sealed", Value(b"another"))
    assert not again.voucher(sealing_key(1).certificate, b"a/b")("item", "sealed", value)
    # Another machine has another key: the same thing looks different there.
    assert SealRecords(str(tmp_path / "two")).record(certificate, b"a/b", "item", "sealed", value) != made
    for name in ("seal-key", "seal-records"):
        assert stat.S_IMODE((tmp_path / "one" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o700


def test_records_that_others_could_have_written_do_not_count(tmp_path: Path) -> None:
    certificate, value = sealing_key().certificate, Value(b"value")
    for name in ("seal-key", "seal-records"):
        folder = tmp_path / name
        records = SealRecords(str(folder))
        made = records.record(certificate, b"a/b", "item", "sealed", value)
        assert made is not None
        records.keep([made])
        (folder / name).chmod(0o640)
        assert not SealRecords(str(folder)).voucher(certificate, b"a/b")("item", "sealed", value)


@pytest.mark.parametrize("attempt", range(5))
def test_the_first_records_of_several_at_once_are_all_kept(tmp_path: Path, attempt: int) -> None:
    certificate, together = sealing_key().certificate, Barrier(8)

    def work(number: int) -> None:
        records = SealRecords(str(tmp_path))
        made = records.record(certificate, b"", "i", "s", Value(bytes([number])))
        assert made is not None
        together.wait()
        records.keep([made])

    SealRecords(str(tmp_path)).prepare()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    vouches = SealRecords(str(tmp_path)).voucher(certificate, b"")
    assert [vouches("i", "s", Value(bytes([number]))) for number in range(8)] == [True] * 8


def spoil(path: Path, how: str) -> None:
    content = path.read_bytes()
    path.unlink()
    if how == "a pipe":
        os.mkfifo(path, 0o600)
    elif how == "a link":
        path.symlink_to(path.parent / "elsewhere")
    else:
        path.write_bytes(content if how == "for all" else content[:-1])
        path.chmod(0o644 if how == "for all" else 0o600)


@pytest.mark.parametrize("how", ["cut off", "for all", "a pipe", "a link"])
@pytest.mark.parametrize("name", ["seal-key", "seal-records"])
def test_what_was_spoilt_is_made_anew(tmp_path: Path, name: str, how: str) -> None:
    certificate, value = sealing_key().certificate, Value(b"value")
    for attempt in range(2):
        records = SealRecords(str(tmp_path))
        made = records.record(certificate, b"a/b", "item", "sealed", value)
        assert made is not None
        records.keep([made])
        assert SealRecords(str(tmp_path)).voucher(certificate, b"a/b")("item", "sealed", value)
        if attempt == 0:
            spoil(tmp_path / name, how)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seal-key", "seal-records"]
    assert stat.S_IMODE((tmp_path / name).lstat().st_mode) == 0o600


def test_records_survive_a_half_written_one_and_forget_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sealbridge.repo.seal_records._MOST_RECORDS", 10)
    certificate = sealing_key().certificate
    records = SealRecords(str(tmp_path))
    values = [Value(str(number).encode()) for number in range(30)]
    made = [records.record(certificate, b"", "i", "s", value) for value in values]
    for one in made[:5]:
        records.keep([one] if one else [])
    with (tmp_path / "seal-records").open("ab") as stream:
        stream.write(b"half")
    for one in made[5:]:
        records.keep([one] if one else [])
    vouches = SealRecords(str(tmp_path)).voucher(certificate, b"")
    known = [vouches("i", "s", value) for value in values]
    assert known[-5:] == [True] * 5
    assert not any(known[:10])
    assert (tmp_path / "seal-records").stat().st_size <= 32 * 12


def test_a_cache_folder_that_cannot_be_used_harms_nothing(
    run: Run, cert: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for folder in (str(tmp_path / "file"), "/proc/nothing", os.devnull):
        monkeypatch.setenv("SEALBRIDGE_CACHE_DIR", folder)
        outcome = run("seal", "--cert", cert, "-w", "out.yaml", stdin=secret({"a": "1"}))
        assert (outcome.code, outcome.err) == (0, "")


def test_output_to_stdout_leaves_no_record(run: Run, cert: str, tmp_path: Path) -> None:
    run("seal", "--cert", cert, stdin=secret({"a": "1"}))
    assert not (tmp_path / "cache").exists()
