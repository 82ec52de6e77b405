"""ExternalSecrets and what becomes of them: one table, for the core, `sealbridge sync` and the operator.

Every case asks the same store, `STORE`, and has either the items of its Secret or words that its failure is
told in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]

# A number that no float holds, and one that JSON writes in another way than it was written.
_NUMBERS = (
    '{"id": 9007199254740993, "ratio": 1.50, "on": true, "none": null,'
    ' "list": [1, "b"], "deep": {"z": 1, "a": "<&>"}}'
)

SECRETS = {
    "plain": "a plain text",
    "empty": "",
    "db": (
        '{"user": "bob", "password": "pa ss", "host.name": "db.example",'
        ' "tls": {"ca": "CA", "ports": [1, 2]}}'
    ),
    "numbers": _NUMBERS,
    "no-object": "[1, 2]",
    "odd-keys": '{"a/b": "1", "c d": "2", "e_f": "3", "g.h-i": "4"}',
    "clashing-keys": '{"a/b": "1", "a_b": "2"}',
    "encoded": "ZGVjb2RlZA==",
    "url-encoded": "-_-_",
    "wrapped": "ZGVj\nb2Rl\r\nZA==",
    "zero-inside": "AGE=",
    "encoded-map": '{"a": "b25l", "b": "-_-_", "c": "not base64!"}',
    "more-keys": '{"ab": "1", "floo": "2"}',
    "a-smile": '{"\U0001f600": "1"}',
    "letters-beyond": '{"caf\u00e9": "1"}',
    "inside/one": '{"k": "dGVzdA=="}',
    "prod/db/user": "alice",
    "prod/db/password": "wonder",
    "prod/api/key": "k-1",
    "test/api/key": "k-2",
    "json/one": '{"shared": "1", "one": "x"}',
    "json/two": '{"shared": "2", "two": 2.50}',
    "json/three": '{"three": [true, null]}',
}

STORE: Spec = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "SecretStore",
    "metadata": {"name": "cases"},
    "spec": {
        "provider": {
            "fake": {
                "data": [
                    *({"key": key, "value": value} for key, value in SECRETS.items()),
                    {"key": "versioned", "value": "first", "version": "v1"},
                    {"key": "versioned", "value": "second", "version": "v2"},
                ]
            }
        }
    },
}


@dataclass(frozen=True)
class Case:
    """An ExternalSecret's spec beside its store, and what comes of it: items, or `error`.

    `items` None without an `error`: no Secret is made, and that is right. `before`: somebody else has made a
    Secret of the name, which a failure leaves as it is.
    """

    name: str
    spec: Spec
    items: dict[str, str | bytes] | None = None
    error: tuple[str, ...] = ()
    annotations: dict[str, str] = field(default_factory=dict)
    type: str = "Opaque"
    before: dict[str, str] | None = None


def _item(secret_key: str, key: str, **remote: str) -> Spec:
    return {"secretKey": secret_key, "remoteRef": {"key": key, **remote}}


def _data(key: str, **remote: str) -> Spec:
    return {"data": [_item("x", key, **remote)]}


def _extract(key: str, *rewrite: Spec, **more: str) -> Spec:
    return {"extract": {"key": key, **more}, **({"rewrite": list(rewrite)} if rewrite else {})}


def _find(pattern: str, *rewrite: Spec, **more: str) -> Spec:
    return {
        "find": {"name": {"regexp": pattern}, **more},
        **({"rewrite": list(rewrite)} if rewrite else {}),
    }


def _all(*entries: Spec, **more: Any) -> Spec:
    return {"dataFrom": list(entries), **more}


def _regexp(source: str, target: str) -> Spec:
    return {"regexp": {"source": source, "target": target}}


def _transform(template: str) -> Spec:
    return {"transform": {"template": template}}


def _merge(**how: Any) -> Spec:
    return {"merge": how}


def _template(template: Spec, spec: Spec | None = None, **target: Any) -> Spec:
    return {**(spec or _all(_extract("db"))), "target": {"template": template, **target}}


_DB = {"user": "bob", "password": "pa ss", "host.name": "db.example", "tls": '{"ca": "CA", "ports": [1, 2]}'}
_LINES = "{{ range $k, $v := . }}{{ $k | upper }}: {{ $v | quote }}\n{{ end }}"
_SHORT = _regexp("^.*/", "")

CASES = (
    # What an entry of data takes.
    Case("whole-value", _data("plain"), {"x": "a plain text"}),
    Case("empty-value", _data("empty"), {"x": ""}),
    Case("whole-object", _data("db"), {"x": SECRETS["db"]}),
    Case("text-property", _data("db", property="user"), {"x": "bob"}),
    Case("key-with-a-dot", _data("db", property="host\\.name"), {"x": "db.example"}),
    Case("path", _data("db", property="tls.ca"), {"x": "CA"}),
    Case("path-into-a-list", _data("db", property="tls.ports.1"), {"x": "2"}),
    Case("object-by-path", _data("db", property="tls.ports"), {"x": "[1, 2]"}),
    Case("large-number", _data("numbers", property="id"), {"x": "9007199254740993"}),
    Case("truth", _data("numbers", property="on"), {"x": "true"}),
    Case("version", _data("versioned", version="v1"), {"x": "first"}),
    Case("no-such-version", _data("versioned", version="v9"), error=("data[0]", "version 'v9'", "NotFound")),
    Case("no-such-secret", _data("nowhere"), error=("data[0]", "'nowhere'", "NotFound")),
    Case("no-such-property", _data("db", property="nothing"), error=("data[0]", "'nothing'")),
    Case(
        "all-failures-at-once",
        {"data": [_item("a", "nowhere"), _item("b", "plain"), _item("c", "no-such")]},
        error=("data[0]", "data[2]", "'nowhere'", "'no-such'"),
    ),
    Case(
        "the-last-of-equal-keys",
        {"data": [_item("a", "plain"), _item("user", "plain")], **_all(_extract("db"))},
        {**_DB, "user": "a plain text", "a": "a plain text"},
    ),
    Case(
        "optional-entry",
        {"data": [_item("a", "plain"), _item("b", "nowhere")]},
        {"a": "a plain text"},
        annotations={"sealbridge.io/optional-keys": "b"},
    ),
    # Decoding.
    Case("base64", _data("encoded", decodingStrategy="Base64"), {"x": "decoded"}),
    Case("base64-with-line-breaks", _data("wrapped", decodingStrategy="Base64"), {"x": "decoded"}),
    Case("base64-for-urls", _data("url-encoded", decodingStrategy="Base64URL"), {"x": b"\xfb\xff\xbf"}),
    Case("not-decoded", _data("encoded", decodingStrategy="None"), {"x": "ZGVjb2RlZA=="}),
    Case("auto-of-text", _data("plain", decodingStrategy="Auto"), {"x": "a plain text"}),
    Case("auto-of-base64", _data("encoded", decodingStrategy="Auto"), {"x": "decoded"}),
    Case(
        "no-base64", _data("plain", decodingStrategy="Base64"), error=("data[0]", "decodingStrategy Base64")
    ),
    Case(
        "decoded-map",
        _all(_extract("encoded-map", decodingStrategy="Auto")),
        {"a": "one", "b": b"\xfb\xff\xbf", "c": "not base64!"},
    ),
    Case(
        "map-that-cannot-be-decoded",
        _all(_extract("encoded-map", decodingStrategy="Base64")),
        error=("dataFrom[0]", "'b'", "Base64"),
    ),
    Case("zero-byte", _data("zero-inside", decodingStrategy="Base64"), {"x": b"\0a"}),
    Case(
        "zero-byte-refused",
        _data("zero-inside", decodingStrategy="Base64", nullBytePolicy="Fail"),
        error=("data[0]", "nullBytePolicy"),
    ),
    Case("base64-of-nothing", _data("empty", decodingStrategy="Base64"), {"x": ""}),
    Case("base64-of-a-url", _data("url-encoded", decodingStrategy="Base64"), error=("data[0]", "Base64")),
    Case("auto-for-urls", _data("url-encoded", decodingStrategy="Auto"), {"x": b"\xfb\xff\xbf"}),
    # Objects taken apart.
    Case("extract", _all(_extract("db")), dict(_DB)),
    Case(
        "extract-of-every-type",
        _all(_extract("numbers")),
        {
            "id": "9007199254740993",
            "ratio": "1.50",
            "on": "true",
            "none": "",
            "list": '[1, "b"]',
            "deep": '{"z": 1, "a": "<&>"}',
        },
    ),
    Case("extract-below-a-property", _all(_extract("db", property="tls")), {"ca": "CA", "ports": "[1, 2]"}),
    Case("extract-of-text", _all(_extract("plain")), error=("dataFrom[0]", "not a JSON object")),
    Case("extract-of-a-list", _all(_extract("no-object")), error=("dataFrom[0]", "not an object")),
    Case("odd-keys", _all(_extract("odd-keys")), {"a_b": "1", "c_d": "2", "e_f": "3", "g.h-i": "4"}),
    Case(
        "odd-keys-in-unicode",
        _all(_extract("odd-keys", conversionStrategy="Unicode")),
        {"a_U002f_b": "1", "c_U0020_d": "2", "e_f": "3", "g.h-i": "4"},
    ),
    Case("a-smile", _all(_extract("a-smile")), {"_": "1"}),
    Case("a-smile-in-unicode", _all(_extract("a-smile", conversionStrategy="Unicode")), {"_U1f600_": "1"}),
    Case(
        "letters-beyond", _all(_extract("letters-beyond")), error=("'caf\u00e9' cannot be a key of a Secret",)
    ),
    Case("data-is-not-converted", _data("plain", conversionStrategy="Unicode"), {"x": "a plain text"}),
    Case("keys-that-clash", _all(_extract("clashing-keys")), error=("dataFrom[0]", "'a/b'", "'a_b'")),
    Case(
        "later-entries-win",
        _all(_extract("json/one"), _extract("json/two")),
        {"shared": "2", "one": "x", "two": "2.50"},
    ),
    # Searches.
    Case(
        "find",
        _all(_find("^prod/")),
        {"prod_db_user": "alice", "prod_db_password": "wonder", "prod_api_key": "k-1"},
    ),
    Case(
        "find-in-unicode",
        _all(_find("^test/", conversionStrategy="Unicode")),
        {"test_U002f_api_U002f_key": "k-2"},
    ),
    Case(
        "find-everything-of-a-kind",
        _all(_find("key$", _regexp("/", "-"))),
        {"prod-api-key": "k-1", "test-api-key": "k-2"},
    ),
    Case(
        "find-too-little",
        _all(_find("^gone/")),
        error=("dataFrom[0]", "minimum-matches"),
        annotations={"sealbridge.io/minimum-matches": "1"},
    ),
    Case("find-nothing", _all(_find("^gone/"))),
    # Keys rewritten.
    Case("rewrite", _all(_find("^prod/db/", _SHORT)), {"user": "alice", "password": "wonder"}),
    Case(
        "rewrite-twice",
        _all(_find("^prod/db/", _regexp("^prod/(.*)/(.*)$", "${1}_$2"), _transform("{{ .value | upper }}"))),
        {"DB_USER": "alice", "DB_PASSWORD": "wonder"},
    ),
    Case(
        "rewrite-with-names",
        _all(_find("^prod/db/user$", _regexp("(?P<env>[a-z]+)/(?P<app>[a-z]+)/", "${app}.${env}."))),
        {"db.prod.user": "alice"},
    ),
    Case(
        "rewrite-one-key-only",
        _all(_extract("db", _regexp("^user$", "name"))),
        {key if key != "user" else "name": value for key, value in _DB.items()},
    ),
    Case(
        "rewritten-keys-clash",
        _all(_find("^(prod|test)/api/", _SHORT)),
        error=("dataFrom[0]", "rewrite[0]", "both become 'key'"),
    ),
    Case(
        "rewritten-keys-do-not-fit",
        _all(_find("^prod/db/user$", _regexp("user", "u s e r"))),
        error=("dataFrom[0]", "characters other than"),
    ),
    Case(
        "rewrite-without-conversion",
        _all(_extract("odd-keys", _regexp("[/ ]", "-"))),
        {"a-b": "1", "c-d": "2", "e_f": "3", "g.h-i": "4"},
    ),
    Case("rewritten-to-nothing", _all(_extract("json/one", _regexp("^one$", ""))), {"shared": "1"}),
    Case(
        "rewrite-takes-the-longest-name",
        _all(_extract("more-keys", _regexp("(a)(b)", "k$1_x"))),
        {"k": "1", "floo": "2"},
    ),
    Case(
        "rewrite-matches-nothing-once",
        _all(_extract("json/one", _regexp("(.*)", "x$1"))),
        {"xshared": "1", "xone": "x"},
    ),
    Case(
        "rewrite-by-name-and-number",
        _all(_extract("more-keys", _regexp("f(?P<inner>.*)o", "${inner}_${1}"))),
        {"ab": "1", "lo_lo": "2"},
    ),
    Case("rewrite-that-is-broken", _all(_extract("db", _regexp("(", ""))), error=("regular expression",)),
    # Values merged.
    Case(
        "merge",
        _all(_find("^json/", _merge(conflictPolicy="Ignore"))),
        {"shared": "2", "one": "x", "two": "2.5", "three": "[true,null]"},
    ),
    Case(
        "merge-with-priority",
        _all(_find("^json/", _merge(conflictPolicy="Ignore", priority=["json/one"]))),
        {"shared": "1", "one": "x", "two": "2.5", "three": "[true,null]"},
    ),
    Case("merge-that-clashes", _all(_find("^json/", _merge())), error=("dataFrom[0]", "'shared'")),
    Case(
        "merge-into-one-key",
        _all(
            _find("^json/", _merge(strategy="JSON", into="all", conflictPolicy="Ignore"), _regexp("/", "_"))
        ),
        {
            "json_one": SECRETS["json/one"],
            "json_two": SECRETS["json/two"],
            "json_three": SECRETS["json/three"],
            "all": '{"one":"x","shared":"2","three":[true,null],"two":2.5}',
        },
    ),
    Case(
        "merge-of-a-key-that-is-not-there",
        _all(_find("^json/", _merge(priority=["json/none"]))),
        error=("dataFrom[0]", "'json/none'"),
    ),
    Case(
        "merge-that-does-not-mind",
        _all(_find("^json/t", _merge(priority=["json/none"], priorityPolicy="IgnoreNotFound"))),
        {"shared": "2", "two": "2.5", "three": "[true,null]"},
    ),
    Case(
        "merge-before-decoding",
        _all(_find("^inside/", _merge(), decodingStrategy="Base64")),
        {"k": "test"},
    ),
    Case("merge-of-text", _all(_find("^prod/", _merge())), error=("dataFrom[0]", "not JSON")),
    # Templates.
    Case(
        "template",
        _template({"data": {"url": 'db://{{ .user }}@{{ index . "host.name" }}'}}),
        {"url": "db://bob@db.example"},
    ),
    Case(
        "template-beside-the-data",
        _template({"data": {"user": "{{ .user | upper }}"}, "mergePolicy": "Merge"}),
        {**_DB, "user": "BOB"},
    ),
    Case(
        "template-with-functions",
        _template({"data": {"x": '{{ .tls | fromJson | dig "ca" "none" }}'}}),
        {"x": "CA"},
    ),
    Case(
        "type",
        _template(
            {"type": "kubernetes.io/basic-auth"},
            {
                "data": [
                    _item("username", "db", property="user"),
                    _item("password", "db", property="password"),
                ]
            },
        ),
        {"username": "bob", "password": "pa ss"},
        type="kubernetes.io/basic-auth",
    ),
    Case(
        "template-of-a-key-that-is-not-there",
        _template({"data": {"x": "{{ .nothing }}"}}),
        error=("nothing",),
    ),
    Case("template-that-is-broken", _template({"data": {"x": "{{ if }}"}}), error=("x",)),
    Case(
        "literal-template-of-keys-and-values",
        _template(
            {
                "templateFrom": [
                    {"target": "Data", "literal": _LINES},
                ]
            },
            _all(_extract("json/one")),
        ),
        {"ONE": "x", "SHARED": "1"},
    ),
    # Policies.
    Case("no-secret-is-wanted", {**_data("plain"), "target": {"creationPolicy": "None"}}),
    Case("nothing-to-merge-into", {**_data("plain"), "target": {"creationPolicy": "Merge"}}),
    Case("orphan", {**_data("plain"), "target": {"creationPolicy": "Orphan"}}, {"x": "a plain text"}),
    Case(
        "create-or-merge",
        {**_data("plain"), "target": {"creationPolicy": "CreateOrMerge"}},
        {"x": "a plain text"},
    ),
    Case(
        "owner-of-what-others-made",
        _data("plain"),
        error=("was made by somebody else",),
        before={"x": "theirs", "y": "theirs"},
    ),
    Case(
        "orphan-of-what-others-made",
        {**_data("plain"), "target": {"creationPolicy": "Orphan"}},
        error=("was made by somebody else",),
        before={"x": "theirs", "y": "theirs"},
    ),
    Case(
        "merge-into-what-others-made",
        {**_data("plain"), "target": {"creationPolicy": "Merge"}},
        {"x": "a plain text", "y": "theirs"},
        before={"x": "theirs", "y": "theirs"},
    ),
    Case(
        "create-or-merge-into-what-others-made",
        {**_data("plain"), "target": {"creationPolicy": "CreateOrMerge"}},
        {"x": "a plain text", "y": "theirs"},
        before={"x": "theirs", "y": "theirs"},
    ),
    Case(
        "delete-what-others-made",
        {**_data("nowhere"), "target": {"deletionPolicy": "Delete"}},
        error=("does not belong to this ExternalSecret",),
        before={"x": "theirs"},
    ),
    Case("all-missing-with-merge", {**_data("nowhere"), "target": {"deletionPolicy": "Merge"}}, {}),
    Case(
        "missing-may-go-with-delete",
        {"data": [_item("a", "plain"), _item("b", "nowhere")], "target": {"deletionPolicy": "Delete"}},
        {"a": "a plain text"},
    ),
    Case("all-missing-with-delete", {**_data("nowhere"), "target": {"deletionPolicy": "Delete"}}),
    Case(
        "missing-may-go-with-merge",
        {
            "data": [_item("a", "plain"), _item("b", "nowhere")],
            "target": {"deletionPolicy": "Merge", "creationPolicy": "CreateOrMerge"},
        },
        {"a": "a plain text"},
    ),
)


def external_secret(case: Case) -> Spec:
    """The manifest of a case, for the namespace that it is applied in."""
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": case.name, "annotations": case.annotations},
        "spec": {"secretStoreRef": {"name": "cases"}, "refreshInterval": "1h", **case.spec},
    }


def expected(case: Case) -> dict[str, bytes] | None:
    """The items that the Secret has, or None when there is none."""
    items = case.before if case.error else case.items
    if items is None:
        return None
    return {key: text.encode() if isinstance(text, str) else text for key, text in items.items()}


def secrets_before() -> list[Spec]:
    """What others have made before."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": case.name},
            "stringData": case.before,
        }
        for case in CASES
        if case.before is not None
    ]
