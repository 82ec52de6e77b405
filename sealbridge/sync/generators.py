"""Values that are made instead of fetched: Password, UUID and Fake. Randomness is given; knows no cluster."""

from __future__ import annotations

import base64
import random
import uuid
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import msgspec

from sealbridge.errors import Invalid
from sealbridge.secret import Value
from sealbridge.stores.config import read_config
from sealbridge.sync.wire import Model

API_VERSION = "generators.external-secrets.io/v1alpha1"
PASSWORD, UUID, FAKE, CLUSTER_GENERATOR = "Password", "UUID", "Fake", "ClusterGenerator"
KINDS = (PASSWORD, UUID, FAKE, CLUSTER_GENERATOR)

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_SYMBOLS = '~!@#$%^&*()_+`-={}|[]\\:"<>?,./'
_LONGEST = 65_536
_CONTROLLER_CLASS = "default"


class Encoding(Enum):
    """How a password is written."""

    RAW = "raw"
    BASE64 = "base64"
    BASE64_URL = "base64url"
    BASE32 = "base32"
    HEX = "hex"


class PasswordSpec(Model, frozen=True):
    """How a password is made: a quarter digits and a quarter symbols, no character twice, unless told so."""

    length: int = 24
    digits: int | None = None
    symbols: int | None = None
    symbol_characters: str | None = None
    no_upper: bool = False
    allow_repeat: bool = False
    encoding: Encoding = Encoding.RAW
    secret_keys: tuple[str, ...] = ()


class UuidSpec(Model, frozen=True):
    """A random UUID has nothing to be told."""


class FakeSpec(Model, frozen=True):
    """Values as they stand here. For trials and tests."""

    controller: str = ""
    data: dict[str, str] = msgspec.field(default_factory=dict)


class GeneratorSpec(Model, frozen=True):
    """The specs of a ClusterGenerator, of which the one of its kind counts."""

    password_spec: PasswordSpec | None = None
    uuid_spec: UuidSpec | None = None
    fake_spec: FakeSpec | None = None


class ClusterGeneratorSpec(Model, frozen=True):
    """A generator for all namespaces."""

    kind: str
    generator: GeneratorSpec


def generate(obj: Mapping[str, Any], rng: random.Random) -> dict[str, Value]:
    """New values of a generator, an object of one of the kinds. Raises Invalid that names the field."""
    kind, spec = obj["kind"], obj.get("spec") or {}
    if kind == CLUSTER_GENERATOR:
        whole = read_config(spec, ClusterGeneratorSpec, "spec")
        field, inner = {
            PASSWORD: ("passwordSpec", whole.generator.password_spec),
            UUID: ("uuidSpec", whole.generator.uuid_spec),
            FAKE: ("fakeSpec", whole.generator.fake_spec),
        }.get(whole.kind, ("", None))
        if not field:
            raise Invalid(f"the generator {whole.kind} is not supported yet", where="spec.kind")
        if inner is None:
            raise Invalid(f"is missing, which kind {whole.kind} needs", where=f"spec.generator.{field}")
        kind, spec = whole.kind, spec["generator"][field]
        return _MAKERS[kind](spec, rng, f"spec.generator.{field}")
    return _MAKERS[kind](spec, rng, "spec")


def _passwords(config: Any, rng: random.Random, where: str) -> dict[str, Value]:
    spec = read_config(config, PasswordSpec, where)
    keys = spec.secret_keys or ("password",)
    if "" in keys or len(set(keys)) < len(keys):
        raise Invalid("must be different and not empty", where=f"{where}.secretKeys")
    try:
        return {key: Value(_encoded(_password(spec, rng), spec.encoding)) for key in keys}
    except ValueError as error:
        raise Invalid(str(error), where=where) from None


def _password(spec: PasswordSpec, rng: random.Random) -> bytes:
    # As upstream: 0 and less is the default, and quarters are rounded down.
    length = spec.length if spec.length > 0 else 24
    if length > _LONGEST:
        raise ValueError(f"length must not be more than {_LONGEST}")
    digits = length // 4 if spec.digits is None else spec.digits
    symbols = length // 4 if spec.symbols is None else spec.symbols
    letters = length - digits - symbols
    if digits < 0 or symbols < 0:
        raise ValueError("digits and symbols must not be negative")
    if letters < 0:
        raise ValueError(f"{digits} digits and {symbols} symbols are more than the length of {length}")
    alphabet = _LOWER if spec.no_upper else _LOWER + _LOWER.upper()
    chosen = [
        *_chosen(alphabet, letters, "letters", spec, rng),
        *_chosen(_DIGITS, digits, "digits", spec, rng),
        *_chosen(spec.symbol_characters or _SYMBOLS, symbols, "symbols", spec, rng),
    ]
    rng.shuffle(chosen)
    return "".join(chosen).encode()


def _chosen(alphabet: str, count: int, what: str, spec: PasswordSpec, rng: random.Random) -> list[str]:
    if spec.allow_repeat:
        return rng.choices(alphabet, k=count)
    different = list(dict.fromkeys(alphabet))
    if count > len(different):
        raise ValueError(
            f"there are only {len(different)} different {what}, which is less than {count}: set allowRepeat"
        )
    return rng.sample(different, count)


def _encoded(password: bytes, encoding: Encoding) -> bytes:
    match encoding:
        case Encoding.BASE64:
            return base64.b64encode(password)
        case Encoding.BASE64_URL:
            return base64.urlsafe_b64encode(password)
        case Encoding.BASE32:
            return base64.b32encode(password)
        case Encoding.HEX:
            return password.hex().encode()
        case Encoding.RAW:
            return password


def _uuids(config: Any, rng: random.Random, where: str) -> dict[str, Value]:
    read_config(config, UuidSpec, where)
    return {"uuid": Value(str(uuid.UUID(int=rng.getrandbits(128), version=4)).encode())}


def _fakes(config: Any, rng: random.Random, where: str) -> dict[str, Value]:
    _ = rng
    spec = read_config(config, FakeSpec, where)
    if spec.controller not in ("", _CONTROLLER_CLASS):
        raise Invalid(
            f"another controller, {spec.controller!r}, takes care of it", where=f"{where}.controller"
        )
    data = spec.data
    return {key: Value(text.encode("utf-8", "surrogatepass")) for key, text in data.items()}


_MAKERS: Mapping[str, Callable[[Any, random.Random, str], dict[str, Value]]] = {
    PASSWORD: _passwords,
    UUID: _uuids,
    FAKE: _fakes,
}
