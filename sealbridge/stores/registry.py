"""Which provider a store's spec names. Imports a provider's module, and so its SDK, on first use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any, cast

from sealbridge.errors import Invalid
from sealbridge.stores.base import Resolver, Store

Opener = Callable[[Mapping[str, Any], Resolver], Awaitable[Store]]

# The key under spec.provider, and the module whose `open_store` opens it.
_MODULES = {
    "fake": "sealbridge.stores.fake",
    "kubernetes": "sealbridge.stores.kubernetes",
    "vault": "sealbridge.stores.vault",
}
PROVIDERS = tuple(_MODULES)


async def open_store(provider: str, config: Mapping[str, Any], resolver: Resolver) -> Store:
    """Open a store of `provider` from its part of the spec, with the credentials that it points to.

    Contacts no server. Raises Invalid when the provider or its configuration is not understood, and
    what `resolver` raises when a credential is not there.
    """
    if provider not in _MODULES:
        raise Invalid(
            f"the provider {provider} is not supported yet",
            where=f"spec.provider.{provider}",
            hint=f"supported today: {', '.join(PROVIDERS)}",
        )
    opener = cast("Opener", import_module(_MODULES[provider]).open_store)
    return await opener(config, resolver)
