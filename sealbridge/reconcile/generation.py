"""The generators that an ExternalSecret names, found and asked. Knows whose they are, not what they make."""

from __future__ import annotations

import random
from collections.abc import Mapping

from sealbridge.errors import ClusterError, Invalid, SealbridgeError
from sealbridge.reconcile.cluster import Cluster
from sealbridge.reconcile.kinds import CLUSTER_GENERATOR, FAKE, PASSWORD, UUID, ObjectKey
from sealbridge.secret import Value
from sealbridge.sync.generators import generate
from sealbridge.sync.model import GeneratorRef

_KINDS = {kind.name: kind for kind in (PASSWORD, UUID, FAKE, CLUSTER_GENERATOR)}


def generator_key(ref: GeneratorRef, namespace: str) -> ObjectKey:
    """The object that a reference in `namespace` means."""
    return ObjectKey(ref.kind, namespace if _KINDS[ref.kind].namespaced else "", ref.name)


async def generated(
    cluster: Cluster, refs: Mapping[str, GeneratorRef], namespace: str, rng: random.Random
) -> dict[str, Mapping[str, Value] | SealbridgeError]:
    """New values of each generator, or why there are none. Raises ClusterError."""
    return {where: await _generated(cluster, ref, namespace, rng) for where, ref in refs.items()}


async def _generated(
    cluster: Cluster, ref: GeneratorRef, namespace: str, rng: random.Random
) -> Mapping[str, Value] | SealbridgeError:
    key = generator_key(ref, namespace)
    obj = await cluster.get(_KINDS[ref.kind], key.namespace, key.name)
    if obj is None:
        place = f' in namespace "{key.namespace}"' if key.namespace else ""
        return Invalid(
            f'there is no {key.kind} "{key.name}"{place}', hint="create it, or correct generatorRef"
        )
    try:
        return generate(obj, rng)
    except ClusterError:
        raise
    except SealbridgeError as error:
        return error.at(f'{key.kind} "{key.name}"')
