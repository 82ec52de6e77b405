"""Scope, envelope, certificate, keyring, SealedSecret. Pure: no network, no Kubernetes."""
