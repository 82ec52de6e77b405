"""The table of ExternalSecrets through the core: planned, asked of a store, assembled and built."""

from __future__ import annotations

from typing import cast

import pytest

from sealbridge.errors import SealbridgeError, StoreError
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Reference, Resolver, Search
from sealbridge.stores.fake import open_store
from sealbridge.sync.assemble import Found, assemble
from sealbridge.sync.model import parse
from sealbridge.sync.plan import Question, plan
from sealbridge.sync.template import build_target
from tests.external_secret_cases import CASES, STORE, Case, expected, external_secret

# What becomes of Secrets that are there, or of none at all, is not for the core to say.
WITHOUT_A_CLUSTER = [case for case in CASES if case.before is None and (case.items is not None or case.error)]


async def made(case: Case) -> Secret:
    """The target, from a real store; the provider fake resolves no credential."""
    store = await open_store(STORE["spec"]["provider"]["fake"], cast("Resolver", None))
    wanted = parse(external_secret(case))
    answers: dict[Question, Value | Found | StoreError] = {}
    ((ref, questions),) = plan(wanted.spec).items()
    for question in questions:
        if isinstance(question, Reference):
            answers |= await store.fetch([question])
        elif isinstance(question, Search):
            answers[question] = await store.find(question)
    assembled = assemble(wanted.spec, {ref: answers}, options=wanted.options)
    return build_target(wanted, assembled.items)


@pytest.mark.parametrize("case", WITHOUT_A_CLUSTER, ids=lambda case: case.name)
async def test_the_core_makes_of_an_external_secret_what_the_table_says(case: Case) -> None:
    if case.error:
        with pytest.raises(SealbridgeError) as caught:
            await made(case)
        for words in case.error:
            assert words in str(caught.value)
        return
    secret = await made(case)
    assert {key: value.reveal() for key, value in secret.items.items()} == expected(case)
    assert (secret.type or "Opaque") == case.type


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
