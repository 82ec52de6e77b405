"""What an ExternalSecret's Secret should be: stores asked, answers put together, template rendered.

Knows no Secret that is there, and writes nothing: a pass and a rendering find out the same by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto
from random import SystemRandom
from typing import NamedTuple

from sealbridge.errors import NotOwned
from sealbridge.reconcile.asking import Asking, stores_of
from sealbridge.reconcile.cluster import Cluster, Owner, Ownership
from sealbridge.reconcile.generation import generated, generator_key
from sealbridge.reconcile.kinds import EXTERNAL_SECRET, Object, ObjectKey
from sealbridge.reconcile.ownership import ADOPT_ANNOTATION
from sealbridge.reconcile.status import owner_of
from sealbridge.reconcile.store_pool import StorePool
from sealbridge.reconcile.template_texts import template_texts
from sealbridge.secret import Secret, Value
from sealbridge.sync.assemble import Assembled, assemble
from sealbridge.sync.fingerprints import field_manager
from sealbridge.sync.missing import missing_entries
from sealbridge.sync.model import CreationPolicy, DeletionPolicy, ExternalSecret
from sealbridge.sync.plan import Entry, generators
from sealbridge.sync.template import build_target, template_sources

_OWNERSHIPS = {
    CreationPolicy.OWNER: Ownership.ADOPT,
    CreationPolicy.ORPHAN: Ownership.ORPHAN,
    CreationPolicy.MERGE: Ownership.MERGE,
    CreationPolicy.CREATE_OR_MERGE: Ownership.CREATE_OR_MERGE,
}


class Given(NamedTuple):
    """What stores and generators gave; `missing` are the entries that the deletion policy leaves out."""

    assembled: Assembled
    missing: tuple[Entry, ...]


class Step(Enum):
    """What is to become of the target."""

    WRITE = auto()
    KEEP = auto()  # there is nothing for it any more, and it stays as it is
    DELETE = auto()  # there is nothing for it any more, and it goes
    NOTHING = auto()  # there is to be none


class Desired:
    """The Secret that one ExternalSecret asks for. `fresh` shares no answer that others were given.

    `checked_only`: only stores that were found ready are asked; else any that may be used. `needs` is what
    the result depends on, as far as it has come.
    """

    def __init__(
        self,
        cluster: Cluster,
        stores: StorePool,
        wanted: ExternalSecret,
        *,
        fresh: bool = False,
        checked_only: bool = True,
    ) -> None:
        self._cluster = cluster
        self._wanted = wanted
        self._asking = Asking(cluster, stores, wanted.namespace, fresh=fresh, checked_only=checked_only)
        self._others: frozenset[ObjectKey] = frozenset()

    @property
    def needs(self) -> frozenset[ObjectKey]:
        """Stores, their credentials as far as they are missed, generators, and what holds templates."""
        return self._asking.needs | self._others

    async def ask(self) -> Given:
        """Ask stores and generators. Raises SyncError, Foreign, Unchecked and ClusterError."""
        wanted = self._wanted
        answers = await self._asking.answers(wanted.spec)
        self._others |= _generators(wanted)
        made = await generated(self._cluster, generators(wanted.spec), wanted.namespace, SystemRandom())
        # Others do not wait while much is parsed or rewritten.
        assembled = await asyncio.to_thread(assemble, wanted.spec, answers, made, wanted.options)
        return Given(assembled, missing_entries(wanted.spec, answers))

    async def secret(self, items: Mapping[str, Value]) -> Secret:
        """The target; made in another thread when it has a template, which may compute for seconds.

        Raises TemplateError, ManifestError and ClusterError.
        """
        if self._wanted.spec.target.template is None:
            return build_target(self._wanted, items)
        self._others |= _templates(self._wanted)
        sources = await template_texts(self._cluster, self._wanted)
        return await asyncio.to_thread(build_target, self._wanted, items, sources)


def needs_of(wanted: ExternalSecret) -> frozenset[ObjectKey]:
    """All that an ExternalSecret names itself."""
    return stores_of(wanted.spec, wanted.namespace) | _generators(wanted) | _templates(wanted)


def next_step(wanted: ExternalSecret, items: Mapping[str, Value]) -> Step:
    """What the policies make of what the stores gave."""
    target = wanted.spec.target
    if not items and target.deletion_policy is DeletionPolicy.RETAIN:
        return Step.KEEP
    if not items and target.deletion_policy is DeletionPolicy.DELETE:
        return Step.DELETE
    return Step.NOTHING if target.creation_policy is CreationPolicy.NONE else Step.WRITE


def check_deletion(wanted: ExternalSecret) -> None:
    """Raise NotOwned where the creationPolicy leaves nobody who may delete the target."""
    policy = wanted.spec.target.creation_policy
    if policy is not CreationPolicy.OWNER:
        raise NotOwned(f"creationPolicy {policy.value} leaves the Secret to nobody; only Owner deletes it")


def owner_for(obj: Object) -> Owner:
    """An ExternalSecret as the owner of its target, with its say on taking one over."""
    owner = owner_of(EXTERNAL_SECRET, obj, field_manager(obj["metadata"]["name"]))
    annotations = obj["metadata"].get("annotations") or {}
    return replace(owner, adopts=annotations.get(ADOPT_ANNOTATION) == "true")


def ownership_of(wanted: ExternalSecret) -> Ownership:
    """How its target is written; nothing asks for one whose creationPolicy is None."""
    return _OWNERSHIPS[wanted.spec.target.creation_policy]


def _generators(wanted: ExternalSecret) -> frozenset[ObjectKey]:
    refs = generators(wanted.spec).values()
    return frozenset(generator_key(ref, wanted.namespace) for ref in refs)


def _templates(wanted: ExternalSecret) -> frozenset[ObjectKey]:
    return frozenset(ObjectKey(kind, wanted.namespace, name) for kind, name in template_sources(wanted))
