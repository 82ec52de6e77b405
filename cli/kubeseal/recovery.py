"""kubeseal --recovery-unseal: a SealedSecret opened with private keys from files, without a cluster."""

from __future__ import annotations

from typing import Any

from sealbridge.errors import ManifestError, SealbridgeError, UnsealError
from sealbridge.lifecycle.key_files import read_keyring
from sealbridge.reconcile.target import target_secret
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.sealed_secret import API_VERSION, KIND, SealedSecret
from sealbridge_cli.kubeseal import encoding, inputs
from sealbridge_cli.kubeseal.flags import Flags

_WITHOUT_OWNER = "sealedsecrets.bitnami.com/skip-set-owner-references"


def unseal(flags: Flags, format_: str) -> bytes:
    """The Secret that the controller would make, its owner reference included. Raises SealbridgeError."""
    keyring = read_keyring(flags.list("recovery-private-key"))
    documents = inputs.documents(flags)
    if len(documents) != 1:
        raise SealbridgeError(f"one SealedSecret is expected, there are {len(documents)}")
    document = documents[0]
    try:
        sealed = SealedSecret.from_manifest(document.obj)
        made = target_secret(sealed, unseal_items(sealed, keyring)).to_manifest()
    except UnsealError as error:
        raise UnsealError(error.what, items=error.items, hint=error.hint) from None
    except ManifestError as error:
        raise error.at(document.where) from None
    return encoding.encode(
        [encoding.secret(made | {"metadata": _owned(made["metadata"], sealed)})], format_
    ).encode()


def _owned(metadata: dict[str, Any], sealed: SealedSecret) -> dict[str, Any]:
    if sealed.template.annotations.get(_WITHOUT_OWNER) == "true":
        return metadata
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": sealed.name, "uid": "", "controller": True}
    return metadata | {"ownerReferences": [owner]}
