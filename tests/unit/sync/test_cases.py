"""The common table of cases through the pure core: planned, asked of a real store, assembled and built."""

from __future__ import annotations

from typing import Any, cast

import pytest

from sealbridge.errors import SealbridgeError, StoreError
from sealbridge.secret import Value
from sealbridge.stores.base import Reference, Resolver, Search
from sealbridge.stores.fake import open_store
from sealbridge.sync.assemble import Found, assemble
from sealbridge.sync.model import parse
from sealbridge.sync.plan import Question, plan
from sealbridge.sync.template import build_target
from tests.sync_cases import ASSEMBLY, CASES, Case


async def made(case: Case) -> dict[str, bytes]:
    """The items of the target."""
    store_object, obj = case.manifests("default")
    provider: dict[str, Any] = store_object["spec"]["provider"]["fake"]
    # The provider fake resolves no credential.
    store = await open_store(provider, cast("Resolver", None))
    wanted = parse(obj)
    answers: dict[Question, Value | Found | StoreError] = {}
    ((ref, questions),) = plan(wanted.spec).items()
    for question in questions:
        if isinstance(question, Reference):
            answers |= await store.fetch([question])
        elif isinstance(question, Search):
            answers[question] = await store.find(question)
    assembled = assemble(wanted.spec, {ref: answers})
    return {key: value.reveal() for key, value in build_target(wanted, assembled.items).items.items()}


@pytest.mark.parametrize("case", ASSEMBLY, ids=str)
async def test_the_core_makes_of_a_case_what_the_table_says(case: Case) -> None:
    if case.error:
        with pytest.raises(SealbridgeError) as caught:
            await made(case)
        assert case.error in str(caught.value)
    else:
        assert await made(case) == case.items


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
