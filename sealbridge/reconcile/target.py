"""The Secret that a SealedSecret makes: opened items joined with the template. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from sealbridge.errors import TemplateError
from sealbridge.sealing.sealed_secret import SealedSecret
from sealbridge.secret import Secret, Value
from sealbridge.templates import Template, string_map


def target_secret(sealed: SealedSecret, items: Mapping[str, Value]) -> Secret:
    """Join `items`, as `unseal_items` gives them, with what the template adds.

    Every entry of `template.data` is rendered over the opened items and, where no item has the same
    key, over its unrendered siblings; an item wins over an entry of the same key, as the controller
    does since 0.37. Name and namespace are the SealedSecret's, whatever the template says. Raises
    TemplateError that names the entry.
    """
    template = sealed.template
    rendered: dict[str, Value] = {}
    if template.data:
        dot = string_map({**template.data, **{key: value.reveal() for key, value in items.items()}})
        for key, source in template.data.items():
            if key in items:
                continue
            try:
                text = Template(source, name=key).render(dot)
            except TemplateError as error:
                raise error.at(f"spec.template.data.{key}") from None
            rendered[key] = Value(text.encode("utf-8", "surrogateescape"))
    return Secret(
        name=sealed.name,
        namespace=sealed.namespace,
        items=rendered | dict(items),
        type=template.type,
        immutable=template.immutable,
        labels=template.labels,
        annotations=template.annotations,
        metadata=template.metadata,
    )
