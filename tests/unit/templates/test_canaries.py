"""Every function with a value it should not have, in every place: no error, log or cause shows the value."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from sealbridge.errors import TemplateError
from sealbridge.templates import Template, string_map
from sealbridge.templates.calls import _BUILTIN, find
from sealbridge.templates.functions.certificates import Certificate
from sealbridge.templates.functions.table import GROUPS, TABLE
from tests import chains
from tests.canary import Canary

NUMBER = 86753095551
# What else a call gets, by the type of a parameter.
FILLERS = {
    "string": "`x`",
    "int": "1",
    "int64": "(int64 1)",
    "uint32": "1",
    "float64": "1.5",
    "bool": "true",
    "dict": "(dict `x` 1)",
    "list": "(list `x`)",
    "time": "now",
    "certificate": ".authority",
    "any": "(list 1)",
    "value": "(list 1)",
}
# With these a function of keys and files gets further before it fails.
REAL = {**FILLERS, "string": ".key"}
PKI = ("certificates", "pkcs12", "pem", "jwk", "decryption")
# Each call of these may make a key or a hash.
COSTLY = ("bcrypt", "htpasswd", "derivePassword", "gen")


def values_with(text: str) -> dict[str, Any]:
    """The data: a secret in everything that data can be, by the names that calls use."""
    encoded = base64.b64encode(text.encode()).decode()
    pem = f"-----BEGIN {text}-----\nProc-Type: {text}\n\n{encoded}\n-----END {text}-----\n"
    wrong = f"-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n"
    return {
        "text": text,
        "digits": str(NUMBER),
        "number": NUMBER,
        "real": NUMBER + 0.5,
        "list": [text, NUMBER],
        "map": {text: text},
        "maps": {text: {text: [text]}},
        "pem": pem,
        "wrong": wrong,
        "json": json.dumps({"kty": text, "n": text, text: text}),
        "broken": f"(?P<{text}%zz{text}[\x00",
        "yaml": f"{text}: [*{text}\n {text}",
        "layout": f"2006 {text}",
        "odd": f"{text}\udcff",
        "url": f"http://{text}/%zz{text}",
        "version": f"1.2.3-{text}$",
        "encoded": encoded,
        "authority": Certificate(wrong.encode(), pem.encode()),
        "key": chains.chain().leaf.key_pem.decode(),
    }


KINDS = [name for name in values_with("") if name != "key"]


def names_of(group: str) -> list[str]:
    """The names of a group's functions; of several for the same function one."""
    rows = {row: name for name, row in TABLE.items() if row.group == group}
    return list(rows.values()) or list(_BUILTIN)


def calls(name: str, group: str) -> Iterator[str]:
    """Calls of a function with each value in each place, directly and through a pipe."""
    function = find(name)
    assert function is not None
    types = [*function.parameters, *([function.variadic] * 2 if function.variadic else [])]
    costly = name.startswith(COSTLY)
    for place in range(len(types)):
        for kind in ("text", "pem", "map") if costly else KINDS:
            for fillers in (FILLERS, REAL) if group in PKI and not costly else (FILLERS,):
                arguments = [fillers[type_] for type_ in types]
                arguments[place] = f".{kind}"
                yield " ".join((name, *arguments))
    for kind in () if costly else KINDS:
        yield f".{kind} | {name}"
        # A result that has a secret in it, as the value of what cannot be taken of it.
        yield f"({name} {' '.join([f'.{kind}'] * len(types))}).none.more"


def told(error: BaseException) -> str:
    """All that a log has of an error, and what the error itself holds."""
    logged = io.StringIO()
    logger = logging.Logger("of its own")
    logger.addHandler(logging.StreamHandler(logged))
    logger.error("failed", exc_info=error)
    parts = [logged.getvalue(), repr(error), repr(error.args), repr(getattr(error, "__notes__", ""))]
    if isinstance(error, TemplateError):
        parts += [error.what, str(error.where), str(error.hint)]
    cause = error.__cause__
    return "\n".join(parts) + (told(cause) if cause else "")


@pytest.mark.parametrize("group", [*GROUPS, "built in"])
def test_a_secret_in_any_place_of_any_function_is_in_no_error(group: str, canary: Canary) -> None:
    text = canary(f"in every place of {group}")
    data = values_with(text)
    roots = [data, string_map({name: value for name, value in data.items() if isinstance(value, str)})]
    forms = {text, text.upper(), text.title(), text[::-1], text.encode().hex(), text.replace("-", "_")}
    forms |= {base64.b64encode(text.encode()).decode()[:16], str(NUMBER), f"{NUMBER:x}", "8.67530955"}
    names = names_of(group)
    shown, failures = set(), 0
    for name in names:
        for call in dict.fromkeys(calls(name, group)):
            for missing in ("zero", "error"):
                template = Template(f"{{{{ {call} }}}}", name="t", missing=missing)
                for root in roots[:1] if name.startswith(COSTLY) else roots:
                    try:
                        template.render(root)
                    except TemplateError as error:
                        failures += 1
                        everything = told(error)
                        if "internal error" in everything or any(form in everything for form in forms):
                            shown.add(call)
    assert sorted(shown) == []
    assert failures >= len(names)
