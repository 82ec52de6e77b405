"""Keys renamed by patterns and templates, and objects merged into one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sealbridge.sync.rewrite import Rewrite, Time, problem_of, rewrite
from tests.canary import Canary


def rewritten(operations: list[dict[str, Any]], entries: dict[str, str]) -> dict[str, str]:
    result = rewrite(
        msgspec.convert(operations, tuple[Rewrite, ...]), {k: v.encode() for k, v in entries.items()}
    )
    return {key: value.decode() for key, value in result.items()}


def regexp(source: str, target: str) -> dict[str, Any]:
    return {"regexp": {"source": source, "target": target}}


def transform(template: str) -> dict[str, Any]:
    return {"transform": {"template": template}}


@pytest.mark.parametrize(
    ("source", "target", "key", "new"),
    [
        ("-", "_", "foo-bar-baz", "foo_bar_baz"),
        ("hello", "world", "foo", "foo"),
        ("^my/initial/path/", "", "my/initial/path/foo", "foo"),
        ("f(.*)o", "a_new_path_$1", "foodaloo", "a_new_path_oodalo"),
        ("f(?P<content>.*)o", "${content}_${1}", "floo", "lo_lo"),
        ("f(?<content>.*)o", "$content", "floo", "lo"),
        ("my/(.*?)/bar/(.*)", "$1-$2", "my/app/bar/key", "app-key"),
        # A name is as long as it can be, and a group that does not exist is empty.
        ("(a)(b)", "$1_x", "ab", ""),
        ("(a)(b)", "${1}_x", "ab", "a_x"),
        ("(a)(b)", "$3.", "ab", "."),
        ("a", "$$1", "a", "$1"),
        # No empty match right behind a match: Python would find two.
        ("(.*)", "x$1", "abc", "xabc"),
        (".*", "x", "abc", "x"),
        ("a*", "-", "baac", "-b-c-"),
        ("", ".", "ab", ".a.b."),
        ("(?i)APP", "x", "my-app", "my-x"),
        ("é", "e", "café", "cafe"),
        (r"\d+$", "", "key42", "key"),
    ],
)
def test_a_pattern_replaces_all_that_it_matches_as_go_does(
    source: str, target: str, key: str, new: str
) -> None:
    assert rewritten([regexp(source, target)], {key: "v"}) == {new: "v"}


def test_operations_work_on_what_the_ones_before_them_made() -> None:
    operations = [regexp("my/(.*?)/bar/(.*)", "$1-$2"), regexp("-", "_"), regexp("ass", "***")]
    entries = {"my/app/bar/key": "1", "my/app/bar/password": "2"}
    assert rewritten(operations, entries) == {"app_key": "1", "app_p***word": "2"}


def test_a_template_makes_the_new_key() -> None:
    operations = [regexp("my/(.*?)/bar/(.*)", "$1-$2"), transform('{{ .value | upper | replace "-" "_" }}')]
    assert rewritten(operations, {"my/app/bar/key": "bar"}) == {"APP_KEY": "bar"}


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        (regexp("[0-9]", ""), "rewrite[0]: the keys 'a1' and 'a2' both become 'a'"),
        (transform("same"), "rewrite[0]: the keys 'a1' and 'a2' both become 'same'"),
    ],
)
def test_two_keys_that_become_one_are_an_error_that_names_both(operation: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match="both become") as caught:
        rewritten([operation], {"a2": "v", "a1": "v"})
    assert str(caught.value) == what


MONGO = '{"username": "foz", "password": "baz"}'
REDIS = '{"host": "redis.example.com", "port": "6379"}'


@pytest.mark.parametrize(
    ("merge", "entries", "wanted"),
    [
        (
            {},
            {"mongo": MONGO, "redis": REDIS},
            {"username": "foz", "password": "baz", "host": "redis.example.com", "port": "6379"},
        ),
        ({"conflictPolicy": "Ignore"}, {"b": '{"k":"b"}', "a": '{"k":"a"}'}, {"k": "b"}),
        ({"conflictPolicy": "Ignore", "priority": ["a"]}, {"b": '{"k":"b"}', "a": '{"k":"a"}'}, {"k": "a"}),
        (
            {"conflictPolicy": "Ignore", "priority": ["c", "a"]},
            {"b": '{"k":"b"}', "a": '{"k":"a"}', "c": '{"k":"c"}'},
            {"k": "a"},
        ),
        (
            {"conflictPolicy": "Ignore", "priority": ["gone", "a"], "priorityPolicy": "IgnoreNotFound"},
            {"b": '{"k":"b"}', "a": '{"k":"a"}'},
            {"k": "a"},
        ),
        (
            {},
            {"a": '{"i": 123, "big": 12345678901234567890, "one": 1.0, "e": 1e5, "f": 0.10, "m": -7}'},
            {"i": "123", "big": "12345678901234567890", "one": "1", "e": "100000", "f": "0.1", "m": "-7"},
        ),
        (
            {},
            {"a": '{"t": true, "f": false, "n": null, "s": ""}'},
            {"t": "true", "f": "false", "n": "", "s": ""},
        ),
        (
            {},
            {"a": '{"o": {"b": [1, 2.50, null], "a": "<é>"}, "l": [ ]}'},
            {"o": '{"a":"\\u003cé\\u003e","b":[1,2.5,null]}', "l": "[]"},
        ),
        ({}, {"a": "null", "b": '{"k":"v"}'}, {"k": "v"}),
        ({}, {}, {}),
        ({"strategy": "", "conflictPolicy": "", "priorityPolicy": ""}, {"a": '{"k":"v"}'}, {"k": "v"}),
        (
            {"strategy": "JSON", "into": "all"},
            {"b": '{"z": "<1>", "n": 12345678901234567890}', "a": '{"y": {"d": 1e21, "c": 0.5}}'},
            {
                "a": '{"y": {"d": 1e21, "c": 0.5}}',
                "b": '{"z": "<1>", "n": 12345678901234567890}',
                "all": '{"n":12345678901234567890,"y":{"c":0.5,"d":1e+21},"z":"<1>"}',
            },
        ),
    ],
)
def test_objects_are_merged(merge: dict[str, Any], entries: dict[str, str], wanted: dict[str, str]) -> None:
    assert rewritten([{"merge": merge}], entries) == wanted


def test_what_was_merged_can_be_merged_again() -> None:
    first = {"strategy": "JSON", "conflictPolicy": "Ignore", "into": "merged", "priority": ["a"]}
    second = {"strategy": "Extract", "conflictPolicy": "Ignore", "priority": ["b"]}
    entries = {
        "a": '{"host": "dba", "pass": "yola", "port": 123}',
        "b": '{"host": "dbb", "pass": "yolb"}',
    }
    wanted = {"host": "dbb", "pass": "yolb", "port": "123"}
    assert rewritten([{"merge": first}, {"merge": second}], entries) == wanted


@pytest.mark.parametrize(
    ("merge", "entries", "what"),
    [
        (
            {},
            {"b": '{"k":1,"l":1}', "a": '{"l":1,"k":1}'},
            "merge: 'k' is in 'a' and 'b'; 'l' is in 'a' and 'b'",
        ),
        ({"priority": ["gone"]}, {"a": "{}"}, "merge: there is no key 'gone', which priority names"),
        ({}, {"a": '{"k": '}, "merge: the value of 'a' is not JSON"),
        ({}, {"a": "[1]"}, "merge: the value of 'a' is JSON but not an object"),
        ({}, {"a": '{"k": NaN}'}, "merge: the value of 'a' is not JSON"),
        ({}, {"a": '{"k": 1e999}'}, "merge: the value of 'a' is not JSON"),
        (
            {},
            {"a": '{"k":' * 5000 + "1" + "}" * 5000},
            "merge: the value of 'a' is JSON that is nested too deeply",
        ),
        ({}, {"a": '{"k":' + "[" * 200 + "]" * 200 + "}"}, "merge: a value is nested too deeply"),
    ],
)
def test_what_cannot_be_merged_is_an_error(merge: dict[str, Any], entries: dict[str, str], what: str) -> None:
    with pytest.raises(ValueError, match="merge") as caught:
        rewritten([regexp("x", "x"), {"merge": merge}], entries)
    assert str(caught.value) == f"rewrite[1]: {what}"


def test_no_value_is_in_an_error(canary: Canary) -> None:
    secret = canary("value")
    for document in (secret, f'{{"{secret}', f'["{secret}"]'):
        with pytest.raises(ValueError, match="rewrite") as caught:
            rewritten([{"merge": {}}], {"a": document})
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ({}, "must have exactly one of regexp, transform and merge"),
        ({**regexp("a", "b"), "merge": {}}, "must have exactly one of regexp, transform and merge"),
        ({"merge": {"strategy": "JSON"}}, "merge with strategy JSON needs `into`"),
        (regexp("(", ""), "regexp.source: wrong regular expression: missing )"),
        (regexp("(?=a)", ""), "regexp.source: wrong regular expression: invalid perl operator"),
        (regexp("a{1001}", ""), "regexp.source: wrong regular expression: invalid repetition size"),
        (transform("{{ nosuch }}"), "transform.template:1:4: there is no function `nosuch`"),
        (regexp("a", "b"), None),
        ({"merge": {"strategy": "JSON", "into": "x"}}, None),
    ],
)
def test_what_is_wrong_with_an_operation_is_known_before_a_store_is_asked(
    operation: dict[str, Any], problem: str | None
) -> None:
    assert problem_of(msgspec.convert(operation, Rewrite)) == problem


@pytest.mark.parametrize(
    "operation",
    [{"regexp": {"source": "k", "target": "kk"}}, {"transform": {"template": "{{ .value }}{{ .value }}"}}],
)
def test_keys_that_double_with_every_operation_end_soon(operation: dict[str, Any]) -> None:
    operations = [msgspec.convert(operation, Rewrite)] * 40
    with pytest.raises(ValueError, match=r"rewrite\[1.\]: the key 'k+'\.?.* becomes longer than"):
        rewrite(operations, {"k": b""})


def test_an_external_secret_has_so_much_time_to_rewrite_and_no_more() -> None:
    operation = msgspec.convert({"regexp": {"source": "a", "target": "b"}}, Rewrite)
    with pytest.raises(ValueError, match=r"rewrite\[0\]: it takes longer than 0 seconds"):
        rewrite([operation], {"a": b""}, Time(0))
