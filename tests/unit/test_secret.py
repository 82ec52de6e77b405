from __future__ import annotations

import base64
import copy
import logging
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.errors import ManifestError
from sealbridge.secret import Secret, Value, check_item_key, check_name, check_namespace


def manifest(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}, **fields}


def test_a_value_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    value = Value(b"correct horse")
    secret = Secret(
        name="db",
        items={"a": value},
        annotations={"kubectl.kubernetes.io/last-applied-configuration": "correct horse"},
        metadata={"x": "correct horse"},
    )
    logging.getLogger("test").warning("%s %r %s %r", value, value, secret, secret)
    shown = (
        f"{value} {value!r} {value:>20} {value!s} {secret} {secret!r} {[value]} { {'a': value} }"
        + caplog.text
    )
    assert "horse" not in shown
    assert "<redacted>" in shown


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_value_is_not_pickled_and_not_copied_by_accident(copying: Any) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        copying(Value(b"x"))


def test_values_are_compared_by_their_bytes_and_only_with_values() -> None:
    assert Value(b"a") == Value(b"a")
    assert Value(b"a") != Value(b"b")
    assert Value(b"a") != b"a"
    assert len({Value(b"a"), Value(b"a"), Value(b"b")}) == 2
    assert (len(Value(b"abc")), bool(Value(b"")), bool(Value(b"0"))) == (3, False, True)


def test_data_and_string_data_are_one_and_string_data_wins() -> None:
    secret = Secret.from_manifest(
        manifest(data={"a": "MQ==", "b": "Mg==", "c": None}, stringData={"b": "two", "d": "é"})
    )
    assert {key: value.reveal() for key, value in secret.items.items()} == {
        "a": b"1",
        "b": b"two",
        "c": b"",
        "d": "é".encode(),
    }


def test_the_manifest_is_read_and_written_whole() -> None:
    obj = manifest(type="Opaque", immutable=False, data={"b": "Mg==", "a": "MQ=="})
    obj["metadata"] |= {"labels": {"l": "1"}, "annotations": {"n": "2"}, "finalizers": ["f"], "uid": "u"}
    secret = Secret.from_manifest(obj)
    assert secret.to_manifest() == obj
    assert list(secret.to_manifest()["data"]) == ["a", "b"]
    assert secret.renamed("x", "y").to_manifest()["metadata"]["name"] == "x"


@given(st.dictionaries(st.text("ab-.", min_size=1), st.binary()))
def test_any_values_come_back_through_a_manifest(items: dict[str, bytes]) -> None:
    secret = Secret(name="x", items={key: Value(value) for key, value in items.items()})
    assert Secret.from_manifest(secret.to_manifest()) == secret


def test_line_breaks_in_base64_are_ignored() -> None:
    text = base64.encodebytes(b"x" * 100).decode().replace("\n", "\r\n")
    assert Secret.from_manifest(manifest(data={"a": text})).items["a"].reveal() == b"x" * 100


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"data": {"a": "hidden!"}}, r"data\.a is not base64"),
        ({"data": {"a": "aGlkZGVu-_"}}, r"data\.a is not base64"),
        ({"data": {"a": "aGlkZGVuCg"}}, r"data\.a is not base64"),
        ({"data": {"a": "aGlk=="}}, r"data\.a is not base64"),
        ({"data": {"a": "aGlk===="}}, r"data\.a is not base64"),
        ({"data": {"a": 5}}, r"data\.a must be base64 text, it is a number"),
        ({"data": ["hidden"]}, "data must be a mapping, it is a list"),
        ({"data": {5: "x"}}, "a key of data must be a string, it is a number"),
        ({"stringData": {"a": 5}}, r"stringData\.a must be a string, it is a number"),
        ({"stringData": {"a": True}}, r"stringData\.a must be a string, it is a boolean"),
        ({"stringData": {"a": None}}, r"stringData\.a must be a string, it is null"),
        ({"stringData": {True: "hidden"}}, "a key of stringData must be a string, it is a boolean"),
        ({"stringData": "hidden"}, "stringData must be a mapping, it is a str"),
        ({"immutable": "true"}, "immutable must be true or false"),
        ({"type": 5}, "type must be a string, it is a number"),
        ({"metadata": "hidden"}, "metadata must be a mapping"),
        ({"metadata": {"name": 5}}, r"metadata\.name must be a string"),
        ({"metadata": {"namespace": ["x"]}}, r"metadata\.namespace must be a string, it is a list"),
        ({"metadata": {"namespace": False}}, r"metadata\.namespace must be a string, it is a boolean"),
        ({"metadata": {"labels": {"a": 1}}}, r"metadata\.labels\.a must be a string, it is a number"),
        ({"metadata": {"annotations": {"a": 1}}}, r"metadata\.annotations\.a must be a string"),
    ],
)
def test_what_is_wrong_is_said_with_the_field_and_without_the_value(
    fields: dict[str, Any], what: str
) -> None:
    with pytest.raises(ManifestError, match=what) as caught:
        Secret.from_manifest(manifest(**fields))
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("name", ["a", "a-b", "a.b", "0", "a" * 253, "sh-1.x2"])
def test_names_that_kubernetes_takes_are_taken(name: str) -> None:
    check_name(name, "metadata.name")


@pytest.mark.parametrize(
    "name", ["", "A", "a_b", "-a", "a-", ".a", "a.", "a..b", "a.-b", "ä", "a\n", "a" * 254]
)
def test_names_that_kubernetes_refuses_are_refused(name: str) -> None:
    with pytest.raises(ManifestError, match=r"metadata\.name is"):
        check_name(name, "metadata.name")


def test_namespaces_are_labels_and_item_keys_have_their_own_letters() -> None:
    check_namespace("kube-system", "-n")
    check_item_key("tls.crt")
    check_item_key("A_b-1")
    for namespace in ("a.b", "", "a" * 64, "A", "-a", "a\n"):
        with pytest.raises(ManifestError, match="not a namespace"):
            check_namespace(namespace, "-n")
    for key in ("", ".", "..", "a/b", "a b", "é", "a\n", "a" * 254):
        with pytest.raises(ManifestError, match="not an item key"):
            check_item_key(key)
