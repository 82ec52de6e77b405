"""Which provider a store's spec names. Imports a provider's module, and so its SDK, on first use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, cast

import msgspec

from sealbridge.errors import Invalid
from sealbridge.stores.base import Resolver, Store
from sealbridge.stores.reach import Reach

Opener = Callable[[Mapping[str, Any], Resolver], Awaitable[Store]]

# The key under spec.provider, and the module whose `open_store` opens it.
_MODULES = {
    "fake": "sealbridge.stores.fake",
    "kubernetes": "sealbridge.stores.kubernetes",
    "vault": "sealbridge.stores.vault",
    "webhook": "sealbridge.stores.webhook",
}
# Where the typed configuration of each is.
_MODELS = {
    "fake": "sealbridge.stores.fake:FakeConfig",
    "kubernetes": "sealbridge.stores.kubernetes.config:KubernetesConfig",
    "vault": "sealbridge.stores.vault.config:VaultConfig",
    "webhook": "sealbridge.stores.webhook.config:WebhookConfig",
}
PROVIDERS = tuple(_MODULES)
# What upstream has besides. They are refused by their names.
OTHER_PROVIDERS = (
    "akeyless",
    "alibaba",
    "aws",
    "azurekv",
    "barbican",
    "beyondtrust",
    "beyondtrustworkloadcredentials",
    "bitwardensecretsmanager",
    "chef",
    "cloudrusm",
    "conjur",
    "delinea",
    "device42",
    "doppler",
    "dvls",
    "fortanix",
    "gcpsm",
    "github",
    "gitlab",
    "ibm",
    "infisical",
    "keepersecurity",
    "nebiusmysterybox",
    "ngrok",
    "onboardbase",
    "onepassword",
    "onepasswordSDK",
    "oracle",
    "ovh",
    "passbolt",
    "passworddepot",
    "previder",
    "pulumi",
    "scaleway",
    "secretserver",
    "senhasegura",
    "volcengine",
    "yandexcertificatemanager",
    "yandexlockbox",
)
# Where whoever writes the store chooses what is sent, and can read what is answered.
_BOUNDED = frozenset({"kubernetes", "webhook"})
# Their requests tell who asks, so that a cluster store of theirs is opened for each namespace.
TELLING = frozenset({"webhook"})


def config_model(provider: str) -> type[msgspec.Struct]:
    """What the configuration of a provider looks like, for schemas."""
    module, _, name = _MODELS[provider].partition(":")
    return cast("type[msgspec.Struct]", getattr(import_module(module), name))


async def open_store(
    provider: str, config: Mapping[str, Any], resolver: Resolver, *, reach: Reach | None = None
) -> Store:
    """Open a store of `provider` from its part of the spec, with the credentials that it points to.

    `reach` bounds the addresses that a store may lead to whose server a tenant may choose.
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
    if provider in _BOUNDED:
        opener = partial(cast("Callable[..., Awaitable[Store]]", opener), reach=reach or Reach())
    return await opener(config, resolver)
