"""HashiCorp Vault and OpenBao: KV engines of version 1 and 2."""

from sealbridge.stores.vault.store import VaultStore, open_store

__all__ = ["VaultStore", "open_store"]
