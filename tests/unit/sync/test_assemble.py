"""From a spec to references, and from what stores answered to items."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.errors import Denied, NotFound, SealbridgeError, StoreError, SyncError, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.base import Reference, Search
from sealbridge.sync.assemble import Assembled, assemble
from sealbridge.sync.model import ExternalSecretSpec, GeneratorRef, StoreKind, StoreRef, parse
from sealbridge.sync.options import NONE, Options
from sealbridge.sync.plan import generators, plan

STORE = StoreRef(name="s")
OTHER = StoreRef(name="o", kind=StoreKind.CLUSTER_SECRET_STORE)
OTHER_REF = {"storeRef": {"name": "o", "kind": "ClusterSecretStore"}}


def spec_of(**spec: Any) -> ExternalSecretSpec:
    return parse(
        {
            "apiVersion": "external-secrets.io/v1",
            "metadata": {"name": "es"},
            "spec": {"secretStoreRef": {"name": "s"}, **spec},
        }
    ).spec


def item(secret_key: str, key: str = "app", **remote: str) -> dict[str, Any]:
    return {"secretKey": secret_key, "remoteRef": {"key": key, **remote}}


def assembled(spec: ExternalSecretSpec, answer: bytes | Mapping[str, bytes | StoreError]) -> dict[str, bytes]:
    """The items when the one store answers all references alike, or by their keys."""

    def one(reference: Reference) -> Value | StoreError:
        found = answer if isinstance(answer, bytes) else answer[reference.key]
        return Value(found) if isinstance(found, bytes) else found

    results = {store: {r: one(r) for r in references} for store, references in plan(spec).items()}
    return {key: value.reveal() for key, value in assemble(spec, results).items.items()}


def test_references_are_planned_by_store_and_once_each() -> None:
    spec = spec_of(
        data=[
            item("a", property="p"),
            item("b", property="p"),
            item("c", version="3", metadataPolicy="Fetch"),
            item("d", "far") | {"sourceRef": OTHER_REF},
        ],
        dataFrom=[{"extract": {"key": "all"}}, {"extract": {"key": "far"}, "sourceRef": OTHER_REF}],
    )
    assert plan(spec) == {
        STORE: (
            Reference("all"),
            Reference("app", property="p"),
            Reference("app", version="3", metadata=True),
        ),
        OTHER: (Reference("far"),),
    }


def test_a_spec_without_a_common_store_takes_those_of_its_entries() -> None:
    spec = parse(
        {
            "apiVersion": "external-secrets.io/v1",
            "metadata": {"name": "es"},
            "spec": {"data": [item("d", "far") | {"sourceRef": OTHER_REF}]},
        }
    ).spec
    assert plan(spec) == {OTHER: (Reference("far"),)}


@pytest.mark.parametrize(
    ("document", "items"),
    [
        (b'{"a":"x","b":"y"}', {"a": b"x", "b": b"y"}),
        (b"{}", {}),
        (b' { "a" : "x" } ', {"a": b"x"}),
        (b'{"s":"\\u00e9\\n\\"","e":""}', {"s": 'é\n"'.encode(), "e": b""}),
        (b'{"n":12345678901234567890,"f":1.0,"x":1e5,"m":-7}', {
            "n": b"12345678901234567890", "f": b"1.0", "x": b"1e5", "m": b"-7",
        }),
        (b'{"t":true,"f":false,"z":null}', {"t": b"true", "f": b"false", "z": b""}),
        (b'{"o":{"b": 1, "a": [2]},"l":[ 1 ]}', {"o": b'{"b": 1, "a": [2]}', "l": b"[ 1 ]"}),
        (b'{"a/b":"x","":"dropped"}', {"a_b": b"x"}),
    ],
)  # fmt: skip
def test_the_keys_of_an_object_are_extracted(document: bytes, items: dict[str, bytes]) -> None:
    assert assembled(spec_of(dataFrom=[{"extract": {"key": "app"}}]), document) == items


@given(st.dictionaries(st.text(alphabet="abc.-_", min_size=1), st.text()))
def test_texts_come_out_of_an_object_as_they_went_in(entries: dict[str, str]) -> None:
    document = json.dumps(entries).encode("utf-8", "surrogatepass")
    wanted = {key: text.encode() for key, text in entries.items()}
    assert assembled(spec_of(dataFrom=[{"extract": {"key": "app"}}]), document) == wanted


def test_later_entries_overwrite_earlier_ones_and_data_comes_last() -> None:
    spec = spec_of(
        data=[item("b", "single")],
        dataFrom=[{"extract": {"key": "one"}}, {"extract": {"key": "two"}}],
    )
    answers = {"one": b'{"a":"1","b":"1","c":"1"}', "two": b'{"c":"2","d":"2"}', "single": b"3"}
    assert assembled(spec, answers) == {"a": b"1", "b": b"3", "c": b"2", "d": b"2"}


def test_strategies_apply_to_the_entries_that_name_them() -> None:
    spec = spec_of(
        data=[item("raw", "v"), item("decoded", "v", decodingStrategy="Base64")],
        dataFrom=[{"extract": {"key": "all", "conversionStrategy": "Unicode", "decodingStrategy": "Auto"}}],
    )
    answers = {"v": b"aGk=", "all": b'{"a/b":"aGk=","c":"plain text"}'}
    assert assembled(spec, answers) == {
        "a_U002f_b": b"hi",
        "c": b"plain text",
        "raw": b"aGk=",
        "decoded": b"hi",
    }


def test_zero_bytes_pass_unless_they_are_forbidden() -> None:
    assert assembled(spec_of(data=[item("k")]), b"a\0b") == {"k": b"a\0b"}
    with pytest.raises(SyncError) as caught:
        assembled(spec_of(data=[item("k", nullBytePolicy="Fail", decodingStrategy="Base64")]), b"AGE=")
    assert caught.value.what == (
        "data[0] (secretKey k): the value has a zero byte, which nullBytePolicy Fail forbids"
    )


@pytest.mark.parametrize(
    ("extract", "document", "error"),
    [
        ({}, b'["hush"]', "the value is JSON but not an object, so it has no keys to extract"),
        ({}, b'"hush"', "the value is JSON but not an object, so it has no keys to extract"),
        ({}, b"hush", "the value is not a JSON object, so it has no keys to extract"),
        ({}, b'{"a":"hush"', "the value is not a JSON object, so it has no keys to extract"),
        ({}, b'{"a":"hush\xff"}', "the value is not a JSON object, so it has no keys to extract"),
        ({}, b"", "the value is not a JSON object, so it has no keys to extract"),
        pytest.param(
            {},
            b'{"a":' * 200_000 + b'"hush"' + b"}" * 200_000,
            "the value is JSON that is nested too deeply to extract its keys",
            id="nested-too-deeply",
        ),
        (
            {},
            b'{"a/b":"hush","a b":"hush"}',
            "the keys 'a/b' and 'a b' both become 'a_b' under conversionStrategy Default",
        ),
        (
            {"decodingStrategy": "Base64"},
            b'{"a":"hush!"}',
            "key 'a': the value is not what decodingStrategy Base64 expects",
        ),
    ],
)
def test_what_cannot_be_extracted_says_why_and_shows_nothing(
    extract: dict[str, str], document: bytes, error: str
) -> None:
    with pytest.raises(SyncError) as caught:
        assembled(spec_of(dataFrom=[{"extract": {"key": "app", **extract}}]), document)
    assert str(caught.value) == f"dataFrom[0]: {error}"
    assert caught.value.__cause__ is None


def test_all_entries_that_fail_are_named_together() -> None:
    spec = spec_of(
        data=[item("a", "one"), item("fine", "good"), item("b", "two"), item("c", "one")],
        dataFrom=[{"extract": {"key": "good"}}],
    )
    hint = "look there"
    answers: dict[str, bytes | StoreError] = {
        "one": NotFound("there is no secret 'one'", hint=hint),
        "two": Denied("permission denied to read two"),
        "good": b"hush",
    }
    with pytest.raises(SyncError) as caught:
        assembled(spec, answers)
    assert caught.value.what == (
        "dataFrom[0]: the value is not a JSON object, so it has no keys to extract; "
        "data[0] (secretKey a), data[3] (secretKey c): there is no secret 'one' (NotFound); "
        "data[2] (secretKey b): permission denied to read two (Denied)"
    )
    assert caught.value.hint == hint
    assert [type(failure) for failure in caught.value.failures] == [
        SealbridgeError,
        NotFound,
        Denied,
        NotFound,
    ]
    assert not caught.value.retryable


def test_a_store_that_could_not_be_opened_fails_all_its_entries() -> None:
    spec = spec_of(data=[item("a", "one"), item("b", "two")])
    with pytest.raises(SyncError) as caught:
        assemble(spec, {STORE: Unavailable("cannot reach it")})
    assert caught.value.what == "data[0] (secretKey a), data[1] (secretKey b): cannot reach it (Unavailable)"
    assert caught.value.retryable


def test_a_long_list_of_failures_is_cut() -> None:
    spec = spec_of(data=[item(f"k{number}", f"n{number}") for number in range(13)])
    answers = {f"n{number}": NotFound(f"no n{number}") for number in range(13)}
    with pytest.raises(SyncError) as caught:
        assembled(spec, answers)
    assert caught.value.what.endswith("data[9] (secretKey k9): no n9 (NotFound); and 3 other failures")
    assert len(caught.value.failures) == 13


def extracted(**more: Any) -> ExternalSecretSpec:
    return spec_of(dataFrom=[{"extract": {"key": "app"}, **more}])


def test_keys_are_rewritten_instead_of_converted() -> None:
    drop_folder = {"regexp": {"source": ".*/", "target": ""}}
    spec = extracted(rewrite=[drop_folder])
    assert assembled(spec, b'{"a/b":"1","c":"2"}') == {"b": b"1", "c": b"2"}


def test_a_key_that_no_secret_takes_after_a_rewrite_is_an_error() -> None:
    spec = extracted(rewrite=[{"regexp": {"source": "x", "target": "y"}}])
    with pytest.raises(SyncError, match=r"dataFrom\[0\]: the key 'a/b' has characters other than"):
        assembled(spec, b'{"a/b":"1"}')


def test_a_key_that_is_rewritten_to_nothing_is_left_out() -> None:
    spec = extracted(rewrite=[{"regexp": {"source": "^drop$", "target": ""}}])
    assert assembled(spec, b'{"drop":"1","keep":"2"}') == {"keep": b"2"}


def test_values_are_decoded_after_they_were_merged() -> None:
    spec = spec_of(
        dataFrom=[{"extract": {"key": "app", "decodingStrategy": "Base64"}, "rewrite": [{"merge": {}}]}]
    )
    assert assembled(spec, b'{"a":"{\\"x\\":\\"aGk=\\"}"}') == {"x": b"hi"}


def test_a_rewrite_that_fails_is_told_with_its_entry_and_number() -> None:
    spec = extracted(rewrite=[{"regexp": {"source": "[0-9]", "target": ""}}])
    with pytest.raises(SyncError) as caught:
        assembled(spec, b'{"a1":"x","a2":"y"}')
    assert str(caught.value) == "dataFrom[0]: rewrite[0]: the keys 'a1' and 'a2' both become 'a'"


def found(
    spec: ExternalSecretSpec,
    *answers: Mapping[str, bytes] | StoreError,
    generated: Mapping[str, Mapping[str, bytes]] | None = None,
    options: Options = NONE,
) -> Assembled:
    """What comes out when the one store answers its searches in order with these."""
    values = [
        answer if isinstance(answer, StoreError) else {key: Value(data) for key, data in answer.items()}
        for answer in answers
    ]
    results = {store: dict(zip(questions, values, strict=True)) for store, questions in plan(spec).items()}
    made = {w: {k: Value(v) for k, v in values.items()} for w, values in (generated or {}).items()}
    return assemble(spec, results, made, options)


def plain(assembled: Assembled) -> dict[str, bytes]:
    return {key: value.reveal() for key, value in assembled.items.items()}


def test_a_search_is_planned_with_all_that_it_says() -> None:
    find = {"name": {"regexp": "^db-"}, "path": "prod", "tags": {"b": "2", "a": "1"}}
    spec = spec_of(dataFrom=[{"find": find}, {"find": {}}, {"find": find}])
    assert plan(spec) == {
        STORE: (Search(name="^db-", path="prod", tags=(("a", "1"), ("b", "2"))), Search()),
    }


@pytest.mark.parametrize(
    ("find", "more", "answer", "items"),
    [
        ({}, {}, {"a/b": b"1", "c": b"2"}, {"a_b": b"1", "c": b"2"}),
        ({"conversionStrategy": "Unicode"}, {}, {"a/b": b"1"}, {"a_U002f_b": b"1"}),
        ({"decodingStrategy": "Base64"}, {}, {"a": b"aGk="}, {"a": b"hi"}),
        ({}, {"rewrite": [{"regexp": {"source": ".*/", "target": ""}}]}, {"x/a": b"1"}, {"a": b"1"}),
        # A remote secret is never taken apart.
        ({}, {}, {"a": b'{"k":"v"}'}, {"a": b'{"k":"v"}'}),
        ({}, {"rewrite": [{"merge": {}}]}, {"a": b'{"k":"v"}', "b": b'{"l":"w"}'}, {"k": b"v", "l": b"w"}),
        ({}, {}, {}, {}),
    ],
)
def test_what_a_search_finds_becomes_items(
    find: dict[str, Any], more: dict[str, Any], answer: dict[str, bytes], items: dict[str, bytes]
) -> None:
    result = found(spec_of(dataFrom=[{"find": find, **more}]), answer)
    assert plain(result) == items
    assert result.matches == {"dataFrom[0]": len(answer)}


@pytest.mark.parametrize(
    ("find", "more", "answer", "error"),
    [
        ({}, {"rewrite": [{"regexp": {"source": "x", "target": ""}}]}, {"a/b": b"hush"}, "the key 'a/b' has"),
        ({}, {}, {"a/b": b"hush", "a b": b"hush"}, "the keys 'a/b' and 'a b' both become 'a_b'"),
        ({"nullBytePolicy": "Fail"}, {}, {"a": b"hu\0sh"}, "key 'a': the value has a zero byte"),
        ({}, {}, {"a" * 254: b"hush"}, "the key 'aaaa"),
    ],
)
def test_what_cannot_be_an_item_of_a_search_says_why(
    find: dict[str, Any], more: dict[str, Any], answer: dict[str, bytes], error: str
) -> None:
    with pytest.raises(SyncError) as caught:
        found(spec_of(dataFrom=[{"find": find, **more}]), answer)
    assert caught.value.what.startswith(f"dataFrom[0]: {error}")
    assert "hush" not in caught.value.what


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ({}, "dataFrom[0]: found nothing, and sealbridge.io/minimum-matches is 2"),
        ({"a": b"1"}, "dataFrom[0]: found only 1, and sealbridge.io/minimum-matches is 2"),
    ],
)
def test_too_few_matches_are_an_error_where_a_minimum_is_set(answer: dict[str, bytes], what: str) -> None:
    spec = spec_of(dataFrom=[{"find": {}}])
    with pytest.raises(SyncError) as caught:
        found(spec, answer, options=Options(minimum_matches=2))
    assert caught.value.what == what
    assert found(spec, {"a": b"1", "b": b"2"}, options=Options(minimum_matches=2)).matches == {
        "dataFrom[0]": 2
    }


def test_generated_values_are_rewritten_and_not_converted() -> None:
    generator = {"sourceRef": {"generatorRef": {"kind": "Password", "name": "p"}}}
    rename = [{"regexp": {"source": "^password$", "target": "db-password"}}]
    spec = spec_of(dataFrom=[generator | {"rewrite": rename}, generator])
    assert plan(spec) == {}
    assert generators(spec) == {
        "dataFrom[0]": GeneratorRef(kind="Password", name="p"),
        "dataFrom[1]": GeneratorRef(kind="Password", name="p"),
    }
    made = {"dataFrom[0]": {"password": b"one"}, "dataFrom[1]": {"password": b"two"}}
    assert plain(found(spec, generated=made)) == {"db-password": b"one", "password": b"two"}
    with pytest.raises(SyncError, match=r"dataFrom\[1\]: the key 'a/b' has characters"):
        found(spec, generated=made | {"dataFrom[1]": {"a/b": b"x"}})


@pytest.mark.parametrize("missing", ["secret", "version", "property"])
def test_an_optional_entry_may_be_missing(missing: str) -> None:
    spec = spec_of(data=[item("a", "one"), item("b", "two")], dataFrom=[{"extract": {"key": "three"}}])
    gone = NotFound("it is not there", missing=missing)
    results = {STORE: {Reference("one"): Value(b"1"), Reference("two"): gone, Reference("three"): gone}}
    result = assemble(spec, results, options=Options(frozenset({"b", "dataFrom[0]"})))
    assert plain(result) == {"a": b"1"}
    assert result.missing == {"dataFrom[0]": gone, "b": gone}
    with pytest.raises(SyncError, match=r"^data\[1\] \(secretKey b\): it is not there \(NotFound\)$"):
        assemble(spec, results, options=Options(frozenset({"dataFrom[0]"})))


def test_an_optional_entry_that_fails_otherwise_still_fails() -> None:
    spec = spec_of(data=[item("a", "one")])
    results = {STORE: {Reference("one"): Unavailable("no answer")}}
    with pytest.raises(SyncError, match="no answer"):
        assemble(spec, results, options=Options(frozenset({"a"})))


def test_a_string_that_is_no_text_spoils_no_other_key() -> None:
    spec = spec_of(dataFrom=[{"extract": {"key": "app"}}])
    document = b'{"user": "ann", "half": "\\ud800x"}'
    assert assembled(spec, document) == {
        "user": b"ann",
        "half": "\ufffdx".encode(),
    }
