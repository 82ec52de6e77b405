"""What a PushSecret pushes, read and made: Secrets, generators, templates. Knows no store."""

from __future__ import annotations

import asyncio
from random import SystemRandom

from sealbridge.errors import SealbridgeError
from sealbridge.reconcile.cluster import Cluster
from sealbridge.reconcile.generation import generated, generator_key
from sealbridge.reconcile.kinds import SECRET, ObjectKey
from sealbridge.reconcile.push_stores import labelled
from sealbridge.reconcile.template_texts import template_texts
from sealbridge.secret import Secret
from sealbridge.sync.push_secret import PushSecret
from sealbridge.sync.pushing import as_external_secret, bare, rendered
from sealbridge.sync.template import template_sources


def needs_of(wanted: PushSecret, namespace: str) -> frozenset[ObjectKey]:
    """What the values depend on, as far as it has a name."""
    selector, like = wanted.spec.selector, as_external_secret(wanted)
    needs = {ObjectKey(kind, namespace, name) for kind, name in template_sources(like)}
    if selector.secret is not None and selector.secret.name:
        needs.add(ObjectKey(SECRET.name, namespace, selector.secret.name))
    if selector.generator_ref is not None:
        needs.add(generator_key(selector.generator_ref, namespace))
    return frozenset(needs)


async def read_sources(cluster: Cluster, wanted: PushSecret, namespace: str) -> list[Secret] | None:
    """The Secrets, none for a generator; None when there are none to be had. Raises ClusterError."""
    secret = wanted.spec.selector.secret
    if secret is None:
        return []
    if secret.selector is None:
        # Read with its values, not as a target: what others make of it must not count as seen.
        one = await cluster.get_secret(namespace, secret.name)
        return None if one is None else [one]
    found = await cluster.list_secrets(namespace, labels=secret.selector.match_labels)
    return [one for one in found if labelled(secret.selector, one.labels)] or None


async def made(cluster: Cluster, wanted: PushSecret, sources: list[Secret], namespace: str) -> list[Secret]:
    """The sources as they are pushed. Raises SealbridgeError that names what is missing or wrong."""
    generator = wanted.spec.selector.generator_ref
    if generator is not None:
        answers = await generated(cluster, {"selector": generator}, namespace, SystemRandom())
        items = answers["selector"]
        if isinstance(items, SealbridgeError):
            raise items
        sources = [Secret(name=generator.name, namespace=namespace, items=items)]
    sources = [bare(source) for source in sources]
    if wanted.spec.template is None:
        return sources
    texts = await template_texts(cluster, as_external_secret(wanted))
    # In another thread: a template may compute for seconds.
    return [await asyncio.to_thread(rendered, wanted, source, texts) for source in sources]
