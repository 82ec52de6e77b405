"""SealedSecrets opened with a keyring, and why one does not open. Renders nothing, writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from sealbridge.errors import EnvelopeError, UnsealError
from sealbridge.sealing import envelope
from sealbridge.sealing.keyring import Keyring, Opened
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import SealedSecret
from sealbridge.secret import Value

_TRIED_AT_MOST = 5  # keys that a hint names
# Uses of a private key in vain, after which an object that fails anyway is not tried any further: megabytes
# of items that no key opens would hold up all others for minutes.
_VAIN_TRIES = 1000
_SCOPE_TRIES = 64  # uses of a private key that finding out another scope may cost an object


class Reason(Enum):
    """Why an item does not open, in one word for machines."""

    WRONG_KEY = "WrongKey"
    WRONG_SCOPE = "WrongScope"
    CORRUPT = "Corrupt"


def unseal_items(sealed: SealedSecret, keyring: Keyring) -> dict[str, Value]:
    """Every item opened, or UnsealError that names all items that do not open: nothing in between."""
    return {key: opened.value for key, opened in open_items(sealed, keyring).items()}


def open_items(
    sealed: SealedSecret, keyring: Keyring, *, known: Mapping[str, str] | None = None
) -> dict[str, Opened]:
    """Every item opened, with the key that did it. `known` maps items to the key that opened them before.

    Raises UnsealError that names all items that do not open: nothing in between. Items that fail alike
    are named together, as the controller does: `message (key1, key2)`. After very many that fail the
    rest is not tried, and counted in the message.
    """
    return open_texts(sealed, sealed.encrypted_data, keyring, known=known)


def open_texts(
    sealed: SealedSecret,
    texts: Mapping[str, str],
    keyring: Keyring,
    *,
    known: Mapping[str, str] | None = None,
) -> dict[str, Opened]:
    """As `open_items`, of envelopes in base64 that need not be the items of `sealed`."""
    items: dict[str, Opened] = {}
    locked: dict[str, bytes] = {}
    failures: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    hint = None
    winner = None
    tries, untried = _VAIN_TRIES, 0
    for key, text in texts.items():
        if tries <= 0:
            untried += 1
            continue
        try:
            content = envelope.decode(text)
            items[key] = keyring.open(content, sealed.label, ((known or {}).get(key), sealed.hint, winner))
            winner = items[key].key
        except UnsealError as error:
            failures.setdefault(error.what, []).append(key)
            locked[key] = content
            tries -= len(keyring)
            reasons[key] = Reason.WRONG_KEY.value
        except EnvelopeError as error:
            failures.setdefault(error.what, []).append(key)
            reasons[key] = Reason.CORRUPT.value
            hint = hint or error.hint
    if not failures:
        return items
    if locked:
        real = _real_scopes(sealed, keyring, locked)
        reasons |= dict.fromkeys(real, Reason.WRONG_SCOPE.value)
        hint = _scope_advice(sealed, real) if real else _advice(sealed, keyring)
    what = "\n".join(f"{message} ({', '.join(sorted(keys))})" for message, keys in failures.items())
    if untried:
        what += f"\n{untried} more were not tried"
    raise UnsealError(what, items=reasons, hint=hint)


def _real_scopes(sealed: SealedSecret, keyring: Keyring, locked: Mapping[str, bytes]) -> dict[str, Scope]:
    """The items that open under this very name and namespace with another scope than the object's."""
    guesses = [scope for scope in Scope if scope is not sealed.scope]
    hint = sealed.hint
    tries = _SCOPE_TRIES
    found: dict[str, Scope] = {}
    for key, content in locked.items():
        for scope in guesses:
            if tries <= 0:
                return found
            try:
                opened = keyring.open(content, scope.label(sealed.namespace, sealed.name), [hint])
            except (UnsealError, EnvelopeError):
                tries -= len(keyring)
                continue
            found[key] = scope
            # Most likely it is the same with the others.
            guesses.remove(scope)
            guesses.insert(0, scope)
            hint = opened.key
            break
    return found


def _scope_advice(sealed: SealedSecret, real: Mapping[str, Scope]) -> str:
    scope = next(iter(real.values()))
    annotations = ", ".join(f'{name}: "{value}"' for name, value in scope.annotations().items())
    way = f"annotate it with {annotations}" if annotations else "take its scope annotation off"
    return (
        f"{', '.join(sorted(real))} was sealed {scope.value}, and the object is {sealed.scope.value}: {way}"
    )


def _advice(sealed: SealedSecret, keyring: Keyring) -> str:
    if not len(keyring):
        return "there is no sealing key to try"
    tried = list(keyring.fingerprints[:_TRIED_AT_MOST])
    if len(keyring) > _TRIED_AT_MOST:
        tried.append(f"{len(keyring) - _TRIED_AT_MOST} more")
    bound_to = {
        Scope.STRICT: f"only with name {sealed.name} and namespace {sealed.namespace or '(none)'}",
        Scope.NAMESPACE_WIDE: f"only with namespace {sealed.namespace or '(none)'}",
        Scope.CLUSTER_WIDE: "under any name, and only with this very scope",
    }[sealed.scope]
    rule = f"{sealed.scope.value} values open {bound_to} as when they were sealed"
    if sealed.hint in keyring:
        return f"the key that sealed it ({sealed.hint}) was tried: {rule}"
    looked_for = f"it was sealed with {sealed.hint}; " if sealed.hint else ""
    return f"{looked_for}tried {', '.join(tried)}; and {rule}"
