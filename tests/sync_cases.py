"""What ExternalSecrets make of what a store has: one table for the core, `sync` and the operator.

Every case has a store of the provider fake of its own, and maybe a Secret that somebody else has made before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Case:
    """One ExternalSecret. `items` is what its Secret holds afterwards, None where there is none.

    `error`: it fails, and says so by these words; what was there before stays. `before`: the Secret of
    somebody else.
    """

    name: str
    store: Mapping[str, str]
    spec: Mapping[str, Any]
    items: Mapping[str, bytes] | None = None
    error: str = ""
    before: Mapping[str, str] | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def after(self) -> dict[str, bytes] | None:
        """What the Secret holds in the end, whether it went well or not."""
        if not self.error:
            return None if self.items is None else dict(self.items)
        return None if self.before is None else {key: text.encode() for key, text in self.before.items()}

    def manifests(self, namespace: str) -> list[dict[str, Any]]:
        """The store and the ExternalSecret, both named after the case."""
        entries = [{"key": key, "value": value} for key, value in self.store.items()]
        metadata = {"name": self.name, "namespace": namespace}
        return [
            {
                "apiVersion": "external-secrets.io/v1",
                "kind": "SecretStore",
                "metadata": metadata,
                "spec": {"provider": {"fake": {"data": entries}}},
            },
            self.external_secret(namespace),
        ]

    def external_secret(self, namespace: str) -> dict[str, Any]:
        """The ExternalSecret alone."""
        return {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": {"name": self.name, "namespace": namespace},
            "spec": {"refreshInterval": "1h", "secretStoreRef": {"name": self.name}, **self.spec},
        }


def data(**remote: Any) -> dict[str, Any]:
    """One item `k` of the secret `a`."""
    return {"data": [{"secretKey": "k", "remoteRef": {"key": "a", **remote}}]}


def extract(*rewrite: dict[str, Any], **remote: Any) -> dict[str, Any]:
    """All keys of the secret `a`."""
    return {
        "dataFrom": [{"extract": {"key": "a", **remote}, **({"rewrite": list(rewrite)} if rewrite else {})}]
    }


def find(*rewrite: dict[str, Any], regexp: str = ".*", **more: Any) -> dict[str, Any]:
    """All secrets whose name fits."""
    return {
        "dataFrom": [
            {
                "find": {"name": {"regexp": regexp}, **more},
                **({"rewrite": list(rewrite)} if rewrite else {}),
            }
        ]
    }


def regexp(source: str, target: str) -> dict[str, Any]:
    return {"regexp": {"source": source, "target": target}}


def transform(template: str) -> dict[str, Any]:
    return {"transform": {"template": template}}


def merge(**fields: Any) -> dict[str, Any]:
    return {"merge": fields}


def target(**fields: str) -> dict[str, Any]:
    return {"target": fields}


def _decoded(name: str, strategy: str, value: str, decoded: bytes | str) -> Case:
    """Bytes where it decodes, words of the error where it does not."""
    return Case(
        name=f"decode-{name}",
        store={"a": value},
        spec=data(decodingStrategy=strategy),
        items={"k": decoded} if isinstance(decoded, bytes) else None,
        error="" if isinstance(decoded, bytes) else decoded,
    )


_REFUSED = "the value is not what decodingStrategy"

DECODE = [
    _decoded("none", "None", "dGVzdA==", b"dGVzdA=="),
    _decoded("base64", "Base64", "dGVzdA==", b"test"),
    _decoded("base64-lines", "Base64", "dGVz\r\ndA==\n", b"test"),
    _decoded("base64-bytes", "Base64", "+/+/", b"\xfb\xff\xbf"),
    _decoded("base64-empty", "Base64", "", b""),
    _decoded("base64-unpadded", "Base64", "dGVzdA", _REFUSED),
    _decoded("base64-of-url", "Base64", "-_-_", _REFUSED),
    _decoded("url", "Base64URL", "-_-_", b"\xfb\xff\xbf"),
    _decoded("url-of-base64", "Base64URL", "+/+/", _REFUSED),
    _decoded("auto-base64", "Auto", "+/+/", b"\xfb\xff\xbf"),
    _decoded("auto-url", "Auto", "-_-_", b"\xfb\xff\xbf"),
    _decoded("auto-text", "Auto", "plain text", b"plain text"),
    _decoded("auto-text-that-decodes", "Auto", "test1234", b"\xb5\xeb-\xd7m\xf8"),
    Case(
        name="decode-extracted",
        store={"a": '{"x": "dGVzdA==", "y": "b2s="}'},
        spec=extract(decodingStrategy="Base64"),
        items={"x": b"test", "y": b"ok"},
    ),
    Case(
        name="decode-extracted-refused",
        store={"a": '{"x": "dGVzdA==", "y": "no base64"}'},
        spec=extract(decodingStrategy="Base64"),
        error="key 'y': the value is not what decodingStrategy Base64 expects",
    ),
    Case(
        name="null-bytes-pass",
        store={"a": "AAA="},
        spec=data(decodingStrategy="Base64"),
        items={"k": b"\0\0"},
    ),
    Case(
        name="null-bytes-refused",
        store={"a": "AAA="},
        spec=data(decodingStrategy="Base64", nullBytePolicy="Fail"),
        error="the value has a zero byte",
    ),
]

EXTRACT = [
    Case(
        name="extract-kinds",
        store={"a": '{"s": "t", "n": 12345678901234567890, "f": 1.0, "b": true, "z": null, "o": {"x": [1]}}'},
        spec=extract(),
        items={
            "s": b"t",
            "n": b"12345678901234567890",
            "f": b"1.0",
            "b": b"true",
            "z": b"",
            "o": b'{"x": [1]}',
        },
    ),
    Case(name="extract-text", store={"a": "plain"}, spec=extract(), error="is not a JSON object"),
    Case(name="extract-list", store={"a": "[1]"}, spec=extract(), error="is JSON but not an object"),
    Case(
        name="property",
        store={"a": '{"x": {"y": "deep"}}'},
        spec=data(property="x.y"),
        items={"k": b"deep"},
    ),
    Case(
        name="property-missing",
        store={"a": '{"x": 1}'},
        spec=data(property="y"),
        error="data[0] (secretKey k)",
    ),
    Case(
        name="later-wins",
        store={"a": '{"k": "extracted", "other": "stays"}', "b": '{"k": "second"}'},
        spec={
            "dataFrom": [{"extract": {"key": "a"}}, {"extract": {"key": "b"}}],
            "data": [{"secretKey": "k", "remoteRef": {"key": "b", "property": "k"}}],
        },
        items={"k": b"second", "other": b"stays"},
    ),
    Case(
        name="find-names",
        store={"db-user": "ann", "db-pass": "x", "other": "y"},
        spec=find(regexp="^db-"),
        items={"db-user": b"ann", "db-pass": b"x"},
    ),
]

CONVERT = [
    Case(
        name="convert-default",
        store={"a": '{"x/y z": "1", "plain-Key_1.x": "2"}'},
        spec=extract(),
        items={"x_y_z": b"1", "plain-Key_1.x": b"2"},
    ),
    Case(
        name="convert-default-emoji",
        store={"a": '{"\U0001f600": "1"}'},
        spec=extract(),
        items={"_": b"1"},
    ),
    Case(
        name="convert-unicode",
        store={"a": '{"x/y": "1", "\U0001f600": "2"}'},
        spec=extract(conversionStrategy="Unicode"),
        items={"x_U002f_y": b"1", "_U1f600_": b"2"},
    ),
    Case(
        name="convert-collision",
        store={"a": '{"x/y": "1", "x_y": "2"}'},
        spec=extract(),
        error="the keys 'x/y' and 'x_y' both become 'x_y'",
    ),
    Case(
        name="convert-letters-no-secret-takes",
        store={"a": '{"caf\u00e9": "1"}'},
        spec=extract(),
        error="cannot be a key of a Secret",
    ),
    Case(
        name="convert-find",
        store={"app/user": "ann"},
        spec=find(),
        items={"app_user": b"ann"},
    ),
    Case(
        name="convert-not-in-data",
        store={"a": "v"},
        spec=data(conversionStrategy="Unicode"),
        items={"k": b"v"},
    ),
]

REWRITE = [
    Case(
        name="rewrite-group",
        store={"a": '{"db_user": "1", "db_pass": "2"}'},
        spec=extract(regexp("^db_(.*)$", "app-$1")),
        items={"app-user": b"1", "app-pass": b"2"},
    ),
    Case(
        name="rewrite-longest-name",
        store={"a": '{"ab": "1"}'},
        spec=extract(regexp("(a)(b)", "k$1_x"), regexp("^k$", "one")),
        items={"one": b"1"},
    ),
    Case(
        name="rewrite-named-group",
        store={"a": '{"floo": "1"}'},
        spec=extract(regexp("f(?P<content>.*)o", "${content}_${1}")),
        items={"lo_lo": b"1"},
    ),
    Case(
        name="rewrite-no-second-empty-match",
        store={"a": '{"abc": "1"}'},
        spec=extract(regexp("(.*)", "x$1")),
        items={"xabc": b"1"},
    ),
    Case(
        name="rewrite-slash-is-left",
        store={"app/user": "ann"},
        spec=find(regexp("user", "name")),
        error="has characters other than letters, digits",
    ),
    Case(
        name="rewrite-find-path",
        store={"app/user": "ann"},
        spec=find(regexp("^app/", "")),
        items={"user": b"ann"},
    ),
    Case(
        name="rewrite-dropped",
        store={"a": '{"gone": "1", "stays": "2"}'},
        spec=extract(regexp("^gone$", "")),
        items={"stays": b"2"},
    ),
    Case(
        name="rewrite-collision",
        store={"a": '{"a1": "1", "a2": "2"}'},
        spec=extract(regexp("[0-9]", "")),
        error="rewrite[0]: the keys 'a1' and 'a2' both become 'a'",
    ),
    Case(
        name="rewrite-transform",
        store={"a": '{"my-key": "1"}'},
        spec=extract(transform('{{ .value | upper | replace "-" "_" }}')),
        items={"MY_KEY": b"1"},
    ),
    Case(
        name="rewrite-broken-pattern",
        store={"a": "{}"},
        spec=extract(regexp("(", "")),
        error="wrong regular expression",
    ),
]

_MONGO = '{"username": "foz", "password": "baz"}'
_REDIS = '{"host": "redis.example.com", "port": 6379}'
_BOTH = {"x": '{"k": "x", "x": "1"}', "y": '{"k": "y", "y": "2"}'}

MERGE = [
    Case(
        name="merge-extract",
        store={"mongo": _MONGO, "redis": _REDIS},
        spec=find(merge()),
        items={"username": b"foz", "password": b"baz", "host": b"redis.example.com", "port": b"6379"},
    ),
    Case(name="merge-conflict", store=_BOTH, spec=find(merge()), error="'k' is in 'x' and 'y'"),
    Case(
        name="merge-conflict-ignored",
        store=_BOTH,
        spec=find(merge(conflictPolicy="Ignore")),
        items={"k": b"y", "x": b"1", "y": b"2"},
    ),
    Case(
        name="merge-priority",
        store=_BOTH,
        spec=find(merge(conflictPolicy="Ignore", priority=["x"])),
        items={"k": b"x", "x": b"1", "y": b"2"},
    ),
    Case(
        name="merge-priority-missing",
        store=_BOTH,
        spec=find(merge(conflictPolicy="Ignore", priority=["gone"])),
        error="there is no key 'gone', which priority names",
    ),
    Case(
        name="merge-priority-missing-ignored",
        store=_BOTH,
        spec=find(merge(conflictPolicy="Ignore", priority=["gone", "x"], priorityPolicy="IgnoreNotFound")),
        items={"k": b"x", "x": b"1", "y": b"2"},
    ),
    Case(
        name="merge-json",
        store={"b": '{"z": "<1>", "n": 12345678901234567890}', "a": '{"y": {"d": 1, "c": 0.5}}'},
        spec=find(merge(strategy="JSON", into="all")),
        items={
            "a": b'{"y": {"d": 1, "c": 0.5}}',
            "b": b'{"z": "<1>", "n": 12345678901234567890}',
            "all": b'{"n":12345678901234567890,"y":{"c":0.5,"d":1},"z":"<1>"}',
        },
    ),
    Case(
        name="merge-kinds",
        store={"a": '{"i": 123, "one": 1.0, "t": true, "n": null, "l": [1, 2.50]}'},
        spec=find(merge()),
        items={"i": b"123", "one": b"1", "t": b"true", "n": b"", "l": b"[1,2.5]"},
    ),
    Case(
        name="merge-then-decode",
        store={"a": '{"k": "dGVzdA=="}'},
        spec=find(merge(), decodingStrategy="Base64"),
        items={"k": b"test"},
    ),
    Case(
        name="merge-no-object",
        store={"a": "[1]"},
        spec=find(merge()),
        error="the value of 'a' is JSON but not an object",
    ),
]

_FOREIGN = {"k": "theirs", "foreign": "f"}
_HERE = {"a": "v"}

POLICIES = [
    Case(name="owner-new", store=_HERE, spec=data(), items={"k": b"v"}),
    Case(
        name="owner-foreign",
        store=_HERE,
        spec=data(),
        before=_FOREIGN,
        error="was made by somebody else and would lose its data",
    ),
    Case(
        name="orphan-new",
        store=_HERE,
        spec=data() | target(creationPolicy="Orphan"),
        items={"k": b"v"},
    ),
    Case(
        name="orphan-foreign",
        store=_HERE,
        spec=data() | target(creationPolicy="Orphan"),
        before=_FOREIGN,
        error="was made by somebody else and would lose its data",
    ),
    Case(name="merge-into-nothing", store=_HERE, spec=data() | target(creationPolicy="Merge"), items=None),
    Case(
        name="merge-into-foreign",
        store=_HERE,
        spec=data() | target(creationPolicy="Merge"),
        before=_FOREIGN,
        items={"k": b"v", "foreign": b"f"},
    ),
    Case(
        name="create-or-merge-new",
        store=_HERE,
        spec=data() | target(creationPolicy="CreateOrMerge"),
        items={"k": b"v"},
    ),
    Case(
        name="create-or-merge-foreign",
        store=_HERE,
        spec=data() | target(creationPolicy="CreateOrMerge"),
        before=_FOREIGN,
        items={"k": b"v", "foreign": b"f"},
    ),
    Case(name="none", store=_HERE, spec=data() | target(creationPolicy="None"), items=None),
    Case(
        name="retain-missing", store={}, spec=data(), error="there is no secret 'a' in the store (NotFound)"
    ),
    Case(name="delete-missing", store={}, spec=data() | target(deletionPolicy="Delete"), items=None),
    Case(name="merge-missing", store={}, spec=data() | target(deletionPolicy="Merge"), items={}),
    Case(
        name="delete-some-missing",
        store=_HERE,
        spec={
            "data": [
                {"secretKey": "k", "remoteRef": {"key": "a"}},
                {"secretKey": "gone", "remoteRef": {"key": "b"}},
            ],
            **target(deletionPolicy="Delete"),
        },
        items={"k": b"v"},
    ),
    Case(
        name="delete-missing-foreign",
        store={},
        spec=data() | target(deletionPolicy="Delete"),
        before=_FOREIGN,
        error="does not belong to this ExternalSecret",
    ),
    Case(
        name="delete-with-merge",
        store=_HERE,
        spec=data() | target(deletionPolicy="Delete", creationPolicy="Merge"),
        error="must not be used with creationPolicy Merge",
    ),
]

ASSEMBLY = [*DECODE, *EXTRACT, *CONVERT, *REWRITE, *MERGE]
CASES = [*ASSEMBLY, *POLICIES]
