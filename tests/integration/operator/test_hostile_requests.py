"""Tens of thousands of broken bodies: none ends in a defect, takes long, or tells a value.

SEALBRIDGE_HOSTILE_BODIES says how many; 100000 are a minute.
"""

from __future__ import annotations

import json
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sealbridge.errors import ManifestError, UnsealError
from sealbridge.manifests import dump_yaml
from sealbridge.operator.metrics import Metrics
from sealbridge.operator.requests import KeyRequests, explanation
from sealbridge.sealing.scope import Scope
from tests.canary import Canary
from tests.integration.operator.test_http import Keys, sealed, serving
from tests.sealing_keys import sealing_key

BODIES = int(os.environ.get("SEALBRIDGE_HOSTILE_BODIES", "10000"))
_LONGEST = 2.0  # seconds that one of these small bodies may take on a busy machine

_WORDS = [
    b"{", b"}", b"[", b"]", b'"', b":", b",", b"\x00", b"\xff", b"null", b"true", b"1e999", b"-", b"---\n",
    b"\n", b" ", b"\t", b"&a ", b"*a", b"<<: ", b"!!binary ", b"!!python/object:os.system ", b"|\n",
    b"\\ud800", b"{{ .password }}", b"{{", b'"data":{"x":"eA=="},', b'"encryptedData":', b'"kind":"List",',
    b"[" * 200, b'{"a":' * 200, b"9" * 500, "\u2028\u0000\U0001f600".encode(), b"Ag", b"=", b"cluster-wide",
]  # fmt: skip


def mutations(seeds: list[bytes], count: int, chance: random.Random) -> list[bytes]:
    """Seeds with a few changes each: bytes turned, pieces cut, doubled, moved, words put in."""

    def turn(body: bytearray, at: int) -> None:
        if body:
            body[at % len(body)] = chance.randrange(256)

    def cut(body: bytearray, at: int) -> None:
        del body[at : at + chance.choice((1, 2, 8, 100, 1000))]

    def cut_off(body: bytearray, at: int) -> None:
        del body[at:]

    def double(body: bytearray, at: int) -> None:
        body[at:at] = body[at : at + chance.choice((1, 10, 300))]

    def put(body: bytearray, at: int) -> None:
        body[at:at] = chance.choice(_WORDS)

    def splice(body: bytearray, at: int) -> None:
        other = chance.choice(seeds)
        body[at:] = other[chance.randrange(len(other)) :]

    changes: list[Callable[[bytearray, int], None]] = [turn, cut, cut_off, double, put, put, splice]
    found = []
    for _ in range(count):
        body = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
            chance.choice(changes)(body, chance.randrange(len(body) + 1))
        found.append(bytes(body))
    return found


def seeds(canary: Canary) -> list[bytes]:
    found = []
    for scope in Scope:
        manifest = sealed(
            {"password": canary(f"hostile {scope.value}"), "user": canary("hostile user")}, scope=scope
        )
        manifest["spec"]["template"]["data"] = {"url": "{{ .user }}:{{ .password }}"}
        found += [json.dumps(manifest).encode(), dump_yaml([manifest]).encode()]
    return found


@pytest.mark.parametrize("action", ["verify", "rotate"])
async def test_no_broken_body_is_a_defect_or_tells_a_value(action: str, canary: Canary) -> None:
    chance = random.Random(20260701)
    outcomes: Counter[str] = Counter()
    with ThreadPoolExecutor(1) as executor:
        requests = KeyRequests(
            Keys(sealing_key(1), sealing_key()), executor, seconds=30, tried=Metrics().decrypted
        )
        for body in mutations(seeds(canary), BODIES // 2, chance):
            began = time.perf_counter()
            text = ""
            try:
                if action == "verify":
                    await requests.verify(body)
                else:
                    text = (await requests.rotate(body)).decode()
                outcomes["opened"] += 1
            except UnsealError as error:
                text = explanation(error)
                outcomes["closed"] += 1
            except ManifestError as error:
                text = f"{error} {error.hint}"
                outcomes["malformed"] += 1
            canary.seen(text, f"the answer of {action}")
            assert time.perf_counter() - began < _LONGEST
    # Each way out was gone a good number of times.
    assert min(outcomes[way] for way in ("opened", "closed", "malformed")) > BODIES // 200


async def test_broken_bodies_on_the_wire_get_the_answers_that_are_written_down(
    canary: Canary, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(20260702)
    codes: Counter[int] = Counter()
    with caplog.at_level(logging.WARNING):
        async with serving(Keys(sealing_key(1), sealing_key())) as service:
            for body in mutations(seeds(canary), 1000, chance):
                path = chance.choice(("/v1/verify", "/v1/rotate"))
                status, text = await service.post(path, body)
                codes[status] += 1
                canary.seen(text, "an answer")
    assert codes.keys() == {200, 400, 409, 500}
    assert [record.getMessage() for record in caplog.records] == []
