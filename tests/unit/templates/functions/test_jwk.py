"""JSON Web Keys as PEM, held against the keys that `cryptography` makes of the same numbers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealbridge.templates.functions.jwk import jwk_private_key_pem, jwk_public_key_pem
from sealbridge.templates.go.values import FunctionError
from tests import chains

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
PRIVATE = ("d", "p", "q", "dp", "dq", "qi")


def number(value: int, size: int | None = None) -> str:
    size = size or (value.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(value.to_bytes(size)).rstrip(b"=").decode()


def raw(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def members(kind: str) -> tuple[Any, dict[str, Any]]:
    """A key and its private JWK."""
    if kind == "RSA":
        key: Any = chains.rsa_key()
        numbers = key.private_numbers()
        values = {
            "n": numbers.public_numbers.n,
            "e": numbers.public_numbers.e,
            "d": numbers.d,
            "p": numbers.p,
            "q": numbers.q,
            "dp": numbers.dmp1,
            "dq": numbers.dmq1,
            "qi": numbers.iqmp,
        }
        return key, {"kty": "RSA", "use": "sig", **{name: number(value) for name, value in values.items()}}
    if kind == "Ed25519":
        key = ed25519.Ed25519PrivateKey.generate()
        numbers = {"x": raw(key.public_key().public_bytes_raw()), "d": raw(key.private_bytes_raw())}
        return key, {"kty": "OKP", "crv": kind, **numbers}
    curve = CURVES[kind]
    key = ec.generate_private_key(curve)
    point, size = key.public_key().public_numbers(), (curve.key_size + 7) // 8
    d = key.private_numbers().private_value
    numbers = {"x": number(point.x, size), "y": number(point.y, size), "d": number(d, size)}
    return key, {"kty": "EC", "crv": kind, "kid": "x", **numbers}


def public_pem(key: Any) -> bytes:
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text


def encoded(jwk: dict[str, Any]) -> bytes:
    return json.dumps(jwk).encode()


@pytest.mark.parametrize("kind", ["RSA", *CURVES, "Ed25519"])
def test_keys_of_every_kind_are_printed(kind: str) -> None:
    key, jwk = members(kind)
    public = {name: value for name, value in jwk.items() if name not in PRIVATE}

    assert jwk_private_key_pem(encoded(jwk)) == chains.key_pem(key)
    assert jwk_public_key_pem(encoded(public)) == public_pem(key)


@pytest.mark.parametrize("kind", ["RSA", *CURVES, "Ed25519"])
def test_the_other_half_of_a_key_is_refused(kind: str) -> None:
    _, jwk = members(kind)
    public = {name: value for name, value in jwk.items() if name not in PRIVATE}

    with pytest.raises(FunctionError, match="a private key where a public one is wanted"):
        jwk_public_key_pem(encoded(jwk))
    with pytest.raises(FunctionError, match="the JWK is no private key"):
        jwk_private_key_pem(encoded(public))


def test_what_an_rsa_key_can_do_without_is_computed() -> None:
    key, jwk = members("RSA")
    short = {name: value for name, value in jwk.items() if name not in ("dp", "dq", "qi")}

    assert jwk_private_key_pem(encoded(short)) == chains.key_pem(key)


def test_base64_may_be_of_either_alphabet_and_padded() -> None:
    key, jwk = members("P-384")
    for name in "xyd":
        standard = jwk[name].translate({ord("-"): "+", ord("_"): "/"})
        jwk[name] = standard + "=" * (-len(standard) % 4)

    assert jwk_private_key_pem(encoded(jwk)) == chains.key_pem(key)


def test_zero_bytes_at_the_beginning_of_a_number_may_be_missing_or_too_many() -> None:
    key, jwk = members("P-521")
    point = key.public_key().public_numbers()
    jwk |= {"x": number(point.x), "y": number(point.y, 70)}

    assert jwk_private_key_pem(encoded(jwk)) == chains.key_pem(key)


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "no kind": ("P-256", {"kty": None}, "member kty of the JWK is missing"),
    "a symmetric key": ("P-256", {"kty": "oct", "k": "AAAA"}, "unsupported kind"),
    "a kind in another case": ("P-256", {"kty": "ec"}, "unsupported kind"),
    "another curve": ("P-256", {"crv": "secp256k1"}, "unsupported curve"),
    "a wrong curve": ("P-256", {"crv": "P-384"}, "make no key"),
    "an Edwards curve for an EC key": ("P-256", {"crv": "Ed25519"}, "unsupported curve"),
    "X25519": ("Ed25519", {"crv": "X25519"}, "unsupported curve"),
    "no coordinate": ("P-256", {"y": None}, "member y of the JWK is missing"),
    "a number that is no text": ("P-256", {"x": 5}, "member x of the JWK is missing or no text"),
    "no base64": ("P-256", {"x": "*"}, "member x of the JWK is no base64"),
    "no ASCII": ("P-256", {"x": "éé"}, "member x of the JWK is no base64"),
    "a point that is not on the curve": ("P-256", {"x": "AQ"}, "make no key"),
    "a size that is wrong": ("Ed25519", {"x": "AQ", "d": "AQ"}, "key of a wrong size"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("private", [True, False], ids=["private", "public"])
def test_what_is_no_key_is_refused_without_a_word_of_it(name: str, private: bool) -> None:
    kind, changes, error = BROKEN[name]
    _, jwk = members(kind)
    jwk |= changes
    jwk = {name: value for name, value in jwk.items() if value is not None and (private or name != "d")}

    with pytest.raises(FunctionError, match=error) as caught:
        (jwk_private_key_pem if private else jwk_public_key_pem)(encoded(jwk))
    assert caught.value.__cause__ is None
    assert not any(str(value) in str(caught.value) for name, value in jwk.items() if name in "xyd")


def test_halves_that_do_not_fit_are_refused() -> None:
    for kind in ("P-256", "Ed25519"):
        _, one = members(kind)
        _, other = members(kind)
        with pytest.raises(FunctionError, match="make no key"):
            jwk_private_key_pem(encoded(one | {"d": other["d"]}))
    _, jwk = members("RSA")
    for name in ("d", "p", "dp", "qi"):
        with pytest.raises(FunctionError, match="make no key"):
            jwk_private_key_pem(encoded(jwk | {name: number(12345)}))
    with pytest.raises(FunctionError, match="member p of the JWK is missing"):
        jwk_private_key_pem(encoded({name: value for name, value in jwk.items() if name not in "pq"}))
    with pytest.raises(FunctionError, match="more than 8192 bits"):
        jwk_private_key_pem(encoded(jwk | {"n": number(1 << 8192)}))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"{} {}", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JSON object"),
        (b'"kty"', "no JSON object"),
        (b"{}", "member kty"),
        (b'{"keys": []}', "member kty"),
    ],
    ids=range(9),
)
def test_what_is_no_object_is_refused(text: bytes, error: str) -> None:
    for function in (jwk_public_key_pem, jwk_private_key_pem):
        with pytest.raises(FunctionError, match=error):
            function(text)


@pytest.mark.parametrize("name", ["n", "e", "d", "p", "q"])
def test_no_number_of_an_rsa_key_is_larger_than_a_key(name: str) -> None:
    _, jwk = members("RSA")
    del jwk["dp"], jwk["dq"], jwk["qi"]
    jwk[name] = number((1 << 20_000) + 1)
    with pytest.raises(FunctionError, match="the RSA key has more than 8192 bits"):
        jwk_private_key_pem(json.dumps(jwk).encode())
