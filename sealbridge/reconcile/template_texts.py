"""The ConfigMaps and Secrets that hold an ExternalSecret's templates, read. Knows no template."""

from __future__ import annotations

from collections.abc import Mapping

from sealbridge.errors import TemplateError
from sealbridge.reconcile.cluster import Cluster
from sealbridge.reconcile.kinds import CONFIG_MAP
from sealbridge.sync.model import ExternalSecret
from sealbridge.sync.template import TemplateSource, template_sources


async def template_texts(cluster: Cluster, wanted: ExternalSecret) -> dict[TemplateSource, Mapping[str, str]]:
    """The entries of each. Raises TemplateError when one is not there, and ClusterError."""
    return {source: await _texts(cluster, wanted.namespace, source) for source in template_sources(wanted)}


async def _texts(cluster: Cluster, namespace: str, source: TemplateSource) -> Mapping[str, str]:
    if source.kind == CONFIG_MAP.name:
        obj = await cluster.get(CONFIG_MAP, namespace, source.name)
        if obj is not None:
            data = obj.get("data")
            entries = data.items() if isinstance(data, dict) else ()
            return {key: text for key, text in entries if isinstance(text, str)}
    else:
        secret = await cluster.get_secret(namespace, source.name)
        if secret is not None:
            return {
                key: value.reveal().decode("utf-8", "surrogateescape") for key, value in secret.items.items()
            }
    raise TemplateError(
        f'there is no {source.kind} "{source.name}" in namespace "{namespace}"',
        where="spec.target.template.templateFrom",
        hint="create it, or correct the name",
    )
