"""Any HTTP server, by requests that the store's spec describes in templates."""

from sealbridge.stores.webhook.store import WebhookStore, open_store

__all__ = ["WebhookStore", "open_store"]
