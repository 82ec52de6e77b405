"""PEM as Go reads it: where a block begins and ends, and what is none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.pki import pem

A = b"-----BEGIN A-----\nYWJj\n-----END A-----\n"
B = b"-----BEGIN B-----\nZGVm\n-----END B-----\n"

# Text, and what is found in it.
FOUND: dict[str, tuple[bytes, list[bytes]]] = {
    "nothing": (b"", []),
    "text": (b"text\n", []),
    "one": (A, [b"abc"]),
    "one without a last line end": (A[:-1], [b"abc"]),
    "two": (A + B, [b"abc", b"def"]),
    "line ends of DOS": (A.replace(b"\n", b"\r\n") + B.replace(b"\n", b"\r\n"), [b"abc", b"def"]),
    "text before, between and behind": (b"x\n" + A + b"y\n" + B + b"z", [b"abc", b"def"]),
    "text before on the same line": (b"x" + A, []),
    "text between on the same line": (A + b"x" + B, [b"abc"]),
    "a blank before": (b" " + A, []),
    "blanks behind": (b"-----BEGIN A----- \t\nYW Jj\t\n-----END A----- \n", [b"abc"]),
    "text behind the end": (A[:-1] + b"x\n" + B, [b"def"]),
    "blanks within the lines": (b"-----BEGIN A-----\n Y W\tJ j \n-----END A-----", [b"abc"]),
    "an empty block": (b"-----BEGIN A-----\n-----END A-----\n", [b""]),
    "an empty label": (b"-----BEGIN -----\nYWJj\n-----END -----\n", [b"abc"]),
    "another label at the end": (b"-----BEGIN A-----\nYWJj\n-----END B-----\n" + B, [b"def"]),
    "no end": (b"-----BEGIN A-----\nYWJj\n", []),
    "no end, and another block": (b"-----BEGIN A-----\nYWJj\n" + B, [b"def"]),
    "no begin": (b"YWJj\n-----END A-----\n" + B, [b"def"]),
    "no dashes": (b"-----BEGIN A\nYWJj\n-----END A-----\n" + B, [b"def"]),
    "no base64": (b"-----BEGIN A-----\nYW*j\n-----END A-----\n" + B, [b"def"]),
    "no padding": (b"-----BEGIN A-----\nYWI\n-----END A-----\n", []),
    "padding": (b"-----BEGIN A-----\nYWI=\n-----END A-----\n", [b"ab"]),
    "text after padding": (b"-----BEGIN A-----\nYWI=YWJj\n-----END A-----\n", []),
    "headers": (b"-----BEGIN A-----\nK: v\n\nYWJj\n-----END A-----\n", [b"abc"]),
    "headers without an empty line": (b"-----BEGIN A-----\nK: v\nYWJj\n-----END A-----\n", [b"abc"]),
    "headers and no more": (b"-----BEGIN A-----\nK: v\n-----END A-----\n", []),
    "headers and an empty line": (b"-----BEGIN A-----\nK: v\n\n-----END A-----\n", [b""]),
}


@pytest.mark.parametrize("name", FOUND)
def test_blocks_are_found_as_go_finds_them(name: str) -> None:
    text, expected = FOUND[name]

    assert [block.der for block in pem.blocks(text)] == expected


def test_headers_are_read_and_written_in_order() -> None:
    text = b"-----BEGIN A-----\nb:  2 \na: 1:1\nProc-Type: 4,ENCRYPTED\n\nYWJj\n-----END A-----\n"

    block = pem.find(text)

    assert block is not None
    assert block.headers == {b"b": b"2", b"a": b"1:1", b"Proc-Type": b"4,ENCRYPTED"}
    assert pem.encode(block.label, block.der, block.headers) == (
        b"-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\na: 1:1\nb: 2\n\nYWJj\n-----END A-----\n"
    )


@given(st.binary(max_size=300), st.sampled_from([b"CERTIFICATE", b"", b"RSA PRIVATE KEY"]))
def test_what_is_written_is_read(der: bytes, label: bytes) -> None:
    text = pem.encode(label, der)

    block = pem.find(b"x\n" + text + b"y")

    assert block == pem.Block(label, {}, der, len(text) + 2)
    assert max(map(len, text.split(b"\n")[1:-2]), default=0) <= 64


@pytest.mark.parametrize(
    "text",
    [
        b"-----BEGIN A-----\n",
        b"\n-----END A-----",
        b"-----BEGIN A-----\n\n-----END B-----\n",
        b"-----BEGIN A-----\na:b\n-----END a:b-----\n",
        b"a:b\n",
    ],
    ids=range(5),
)
def test_time_grows_with_the_text_and_no_faster(text: bytes) -> None:
    begin = time.process_time()

    for _ in pem.blocks(b"-----BEGIN A-----\n" + text * ((1 << 20) // len(text))):
        pass

    assert time.process_time() - begin < 5
