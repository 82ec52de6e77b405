"""The Secrets of a file become SealedSecrets where they stand. Decides what changes; writes nothing.

- A Secret becomes a SealedSecret in the same place; what else the file holds stays to the letter.
- A Secret beside a SealedSecret of the same name and namespace is sealed into it and taken out: items
  that changed get a new value, items that only the SealedSecret has stay.
- `stringData` or `data` on a SealedSecret itself are sealed into it likewise.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sealbridge.errors import ManifestError, SealbridgeError
from sealbridge.manifest_text import Change, ManifestText
from sealbridge.manifests import Document
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.choosing import Chosen, Wishes, choose
from sealbridge.sealing.merging import merge
from sealbridge.sealing.reshaping import reshape
from sealbridge.sealing.sealed_secret import API_VERSION, KIND, SealedSecret, seal
from sealbridge.sealing.unchanged import Voucher
from sealbridge.secret import Secret, Value

_PLAIN_FIELDS = ("data", "stringData")
_VALUE = r"""(?:"[^"]*"|'[^']*'|\S+)"""
# Shorter values are met in comments by chance: words, and numbers such as ports.
_SHORTEST_WORD, _SHORTEST_NUMBER, _SHORTEST = 10, 6, 4


@dataclass
class Outcome:
    """What happened to a file: its new text, and what there is to tell."""

    data: bytes = b""
    sealed: int = 0
    merged: int = 0
    left_sealed: int = 0
    left_others: int = 0
    kept_items: dict[str, list[str]] = field(default_factory=dict)
    flattened: tuple[str, ...] = ()
    errors: list[SealbridgeError] = field(default_factory=list)
    fresh: list[tuple[bytes, str, str, Value]] = field(default_factory=list, repr=False)

    @property
    def changed(self) -> bool:
        """Whether there is something to write."""
        return bool(self.sealed or self.merged)

    def take_fresh(self) -> list[tuple[bytes, str, str, Value]]:
        """What was sealed (label, item, sealed form, value), which is not held any longer then."""
        fresh, self.fresh = self.fresh, []
        return fresh


def seal_in_place(
    text: ManifestText,
    certificate: Certificate,
    wishes: Wishes,
    vouchers: Callable[[bytes], list[Voucher]],
) -> Outcome:
    """Seal every Secret of a file. `vouchers` gives those for a label.

    Errors are collected, each with its place; then the data is what it was.
    """
    work = _Work(text, certificate, wishes, vouchers)
    for index, document in enumerate(text.documents):
        try:
            work.take(index, document)
        except SealbridgeError as error:
            work.outcome.errors.append(error.at(document.where))
    outcome = work.outcome
    if not outcome.errors:
        try:
            edited = text.edited(work.changes)
            outcome.data = edited.data
            outcome.flattened = tuple(document.where for document in edited.flattened)
            work.check_comments(edited.data)
        except SealbridgeError as error:
            outcome.errors.append(error)
    return outcome


class _Work:
    def __init__(
        self,
        text: ManifestText,
        certificate: Certificate,
        wishes: Wishes,
        vouchers: Callable[[bytes], list[Voucher]],
    ) -> None:
        self._text = text
        self._certificate = certificate
        self._wishes = wishes
        self._vouchers = vouchers
        self.changes: dict[int, Change] = {}
        self.outcome = Outcome()
        self._values: dict[tuple[str, str], list[tuple[str, Value]]] = {}
        self._seen: set[tuple[str, str]] = set()
        self._touched: set[int] = set()
        self._sealed = {
            self._identity(document.obj): index
            for index, document in enumerate(text.documents)
            if document.obj.get("kind") == KIND and document.obj.get("apiVersion") == API_VERSION
        }

    def take(self, index: int, document: Document) -> None:
        obj = document.obj
        if obj.get("kind") == KIND and obj.get("apiVersion") == API_VERSION:
            plain = {key: obj[key] for key in _PLAIN_FIELDS if obj.get(key)}
            if plain:
                self._touched.add(index)
                self._merge(index, Secret.from_manifest(plain), index)
            else:
                self.outcome.left_sealed += 1
            return
        if obj.get("kind") != "Secret":
            self.outcome.left_others += 1
            return
        chosen = choose(obj, self._wishes)
        if document.list_kind not in (None, "List"):
            raise ManifestError(
                f"a {document.list_kind} cannot hold a SealedSecret", hint="make it a List of v1"
            )
        identity = (chosen.secret.namespace, chosen.secret.name)
        if identity in self._seen:
            raise ManifestError("this Secret is in the file twice", hint="keep one of them")
        self._seen.add(identity)
        beside = self._sealed.get(identity)
        if beside is not None and self._same_scope(chosen, self._object(beside)):
            self._merge(beside, chosen.secret, index)
            self.changes[index] = Change(None)
        elif beside is not None:
            self._replace(beside, chosen)
            self.changes[index] = Change(None)
        else:
            self._seal(index, chosen)

    def _seal(self, index: int, chosen: Chosen) -> None:
        secret, scope = chosen.secret, chosen.scope
        made = seal(secret, self._certificate, scope)
        new_shape = partial(reshape, sealed=made.encrypted_data, name=made.name, namespace=made.namespace)
        self.changes[index] = Change(made.to_manifest(), new_shape)
        self.outcome.sealed += 1
        self._remember(made, made.encrypted_data, secret)

    def _replace(self, index: int, chosen: Chosen) -> None:
        """The scope changes: everything has to be sealed again, and so to be there."""
        old = SealedSecret.from_manifest(self._object(index))
        if missing := sorted(old.encrypted_data.keys() - chosen.secret.items.keys()):
            raise ManifestError(
                f"its scope changes from {old.scope.value} to {chosen.scope.value}, "
                f"and these items are only there sealed: {', '.join(missing)}",
                hint="give their values as well, or leave the scope as it is",
            )
        made = seal(chosen.secret, self._certificate, chosen.scope)
        self.changes[index] = Change(made.to_manifest())
        self.outcome.merged += 1
        self.outcome.left_sealed -= 1
        self._remember(made, made.encrypted_data, chosen.secret)

    def _merge(self, index: int, secret: Secret, source: int) -> None:
        obj = {key: part for key, part in self._object(index).items() if key not in _PLAIN_FIELDS}
        old = SealedSecret.from_manifest(obj)
        merged = merge(obj, secret, self._certificate, self._vouchers(old.label))
        self.changes[index] = Change(merged.manifest)
        self.outcome.merged += 1
        if source != index and index not in self._touched:
            # Counted as left when its turn came, or not come yet.
            self.outcome.left_sealed -= 1
        self._touched.add(index)
        rest = sorted(old.encrypted_data.keys() - secret.items.keys())
        if rest and source != index:
            self.outcome.kept_items[self._text.documents[index].where] = rest
        self._remember(old, merged.items, secret)

    def _remember(self, target: SealedSecret, sealed: Mapping[str, str], secret: Secret) -> None:
        values = self._values.setdefault((target.namespace or self._wishes.namespace, target.name), [])
        values += secret.items.items()
        label = target.label
        self.outcome.fresh += [(label, item, text, secret.items[item]) for item, text in sealed.items()]

    def _object(self, index: int) -> Mapping[str, Any]:
        """A SealedSecret as it is after what was done to it so far."""
        change = self.changes.get(index)
        return (
            change.obj if change is not None and change.obj is not None else self._text.documents[index].obj
        )

    def _same_scope(self, chosen: Chosen, obj: Mapping[str, Any]) -> bool:
        return not chosen.declared or chosen.scope is SealedSecret.from_manifest(obj).scope

    def _identity(self, obj: Mapping[str, Any]) -> tuple[str, str]:
        metadata = obj.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        return str(metadata.get("namespace") or self._wishes.namespace), str(metadata.get("name"))

    def check_comments(self, data: bytes) -> None:
        """Comments are kept, and what is kept goes to Git. Raises ManifestError."""
        if not self.changes or b"#" not in data:
            return
        text = ManifestText(data, file=self._text.file)
        by_number: dict[int, list[Document]] = {}
        for document in text.documents:
            by_number.setdefault(document.number, []).append(document)
        for number, comments in enumerate(text.all_comments(), 1):
            documents = by_number.get(number, [])
            # What stands at the head of a file, or between documents, may be about all of it.
            anything = number == 1 or not documents
            named = self._values if anything else [self._identity(document.obj) for document in documents]
            values = [pair for identity in named for pair in self._values.get(identity, ())]
            check_comments(comments, values, (documents or text.documents)[0])


def check_comments(comments: str, values: Iterable[tuple[str, Value]], document: Document) -> None:
    """Refuse comments that hold a value, or look as if they held an old one. Raises ManifestError."""
    if not comments:
        return
    content = comments.encode()
    for item, value in values:
        plain = value.reveal()
        held = _telling(plain) and (plain in content or base64.b64encode(plain).rstrip(b"=") in content)
        # One word behind an item's name is a value that was commented out, and so is what stands in quotes;
        # several words are about it.
        former = rf"^\s*[\"']?{re.escape(item)}[\"']?\s*:[ \t]+{_VALUE}[ \t]*(?:#.*)?$"
        if held or re.search(former, comments, re.MULTILINE):
            raise ManifestError(
                f"a comment holds a value of the item {item!r}, or one that it had",
                where=document.where,
                hint="take it out: comments stay in the sealed file",
            )


def _telling(value: bytes) -> bool:
    shortest = _SHORTEST_WORD if value.isalpha() else _SHORTEST_NUMBER if value.isdigit() else _SHORTEST
    return len(value) >= shortest


def may_hold(data: bytes, kind: bytes) -> bool:
    """Whether a file that cannot be read could hold an object of a kind at all."""
    return kind in data or b"\x00" in data
