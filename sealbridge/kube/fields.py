"""What each field of a spec means and may hold, for `kubectl explain` and for the API server. Knows no kind.

Limits are those of upstream's schema, so that what one API server takes the other takes as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealbridge.stores import fake, trust
from sealbridge.stores.kubernetes import config as kubernetes
from sealbridge.stores.vault import config as vault
from sealbridge.stores.webhook import config as webhook
from sealbridge.sync import generators, rewrite, spec, windows

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
NAME = {"minLength": 1, "maxLength": 253, "pattern": rf"^{_LABEL}(\.{_LABEL})*$"}
NAMESPACE = {"minLength": 1, "maxLength": 63, "pattern": f"^{_LABEL}$"}
ITEM_KEY = {"minLength": 1, "maxLength": 253, "pattern": "^[-._a-zA-Z0-9]+$"}

_CONVERSION = "How characters that no key may have are written: _ (Default) or by their code (Unicode)."
_DECODING = "How values are decoded: not at all (None), Base64, Base64URL, or whichever fits (Auto)."
_NULL_BYTES = "Whether a value with a zero byte is taken (Ignore) or an error (Fail)."
_CA_BUNDLE = "PEM certificates of authorities, as they are or in base64. Without it the system's count."
_CA_PROVIDER = "Where else the certificates of authorities stand: a Secret or a ConfigMap."
_NAMESPACE_USE = "Its namespace: of use in a ClusterSecretStore only, else that of the ExternalSecret."

Fields = Mapping[type, Mapping[str, Mapping[str, Any]]]


def _told(description: str, limits: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    return {"description": description, **(limits or {})}


_EXTERNAL_SECRET: Fields = {
    spec.ExternalSecretSpec: {
        "secretStoreRef": _told("The store that every entry is fetched from which names no other."),
        "refreshInterval": _told(
            "How often the stores are asked under refreshPolicy Periodic: a duration like 15m or 1h30m;"
            " with 0 they are asked once.",
        ),
        "refreshPolicy": _told(
            "When the stores are asked again: by time and on edits (Periodic), on edits only (OnChange),"
            " or never (CreatedOnce). Without it, Periodic."
        ),
        "target": _told("The Secret that is made."),
        "data": _told("Items of the target one by one. They win over what dataFrom gives."),
        "dataFrom": _told("Many items at once. Of entries that give the same key the later one wins."),
        "syncWindows": _told("When time alone may make a refresh due. Edits are live at any time."),
    },
    spec.StoreRef: {
        "name": _told("The name of the store.", NAME),
        "kind": _told("SecretStore (of the same namespace, the default) or ClusterSecretStore."),
    },
    spec.RemoteRef: {
        "key": _told("The name or path of the secret in the store."),
        "version": _told("The version, where the store has versions; the newest without it."),
        "property": _told("One field of a value that is JSON; all of the value without it."),
        "metadataPolicy": _told("Whether the value (None) or the secret's tags and labels (Fetch) are read."),
        "conversionStrategy": _told(_CONVERSION),
        "decodingStrategy": _told(_DECODING),
        "nullBytePolicy": _told(_NULL_BYTES),
    },
    spec.GeneratorRef: {
        "apiVersion": _told("generators.external-secrets.io/v1alpha1, also when it is left out."),
        "kind": _told("The kind of the generator: Password, UUID, Fake or ClusterGenerator."),
        "name": _told("The name of the generator.", NAME),
    },
    spec.FindName: {"regexp": _told("A regular expression (RE2) that matches anywhere in the name.")},
    spec.Find: {
        "name": _told("Secrets by their names."),
        "path": _told("Only secrets below this path, where the store has paths."),
        "tags": _told("Only secrets with all of these tags or labels."),
        "conversionStrategy": _told(_CONVERSION),
        "decodingStrategy": _told(_DECODING),
        "nullBytePolicy": _told(_NULL_BYTES),
    },
    spec.SourceRef: {
        "storeRef": _told("Another store for this entry."),
        "generatorRef": _told("A generator that makes the items. In dataFrom only."),
    },
    spec.Data: {
        "secretKey": _told("The key of the item in the Secret.", ITEM_KEY),
        "remoteRef": _told("Which value of the store."),
        "sourceRef": _told("Another store for this entry."),
    },
    spec.DataFrom: {
        "extract": _told("One secret that is a JSON object: each of its fields becomes an item."),
        "find": _told("Every secret that is found: each becomes an item."),
        "rewrite": _told("How keys become others, one operation after the other."),
        "sourceRef": _told("Another store for this entry, or a generator in place of extract and find."),
    },
    spec.TemplateMetadata: {
        "labels": _told("Labels of the target; their values are templates."),
        "annotations": _told("Annotations of the target; their values are templates."),
        "finalizers": _told("Finalizers that the target is created with."),
    },
    spec.TemplateItem: {
        "key": _told("The key of the template in the ConfigMap or Secret.", ITEM_KEY),
        "templateAs": _told(
            "Whether it is the template of one value, under its own key (Values, the default), or of a"
            " YAML map (KeysAndValues)."
        ),
    },
    spec.TemplateRef: {
        "name": _told("The name of the ConfigMap or Secret, of the same namespace.", NAME),
        "items": _told("Which of its keys are templates."),
    },
    spec.TemplateFrom: {
        "configMap": _told("Templates of a ConfigMap."),
        "secret": _told("Templates of a Secret."),
        "literal": _told("A template that stands right here, of a YAML map of keys and values."),
        "target": _told("What the templates make: Data (the default), Annotations or Labels."),
    },
    spec.TargetTemplate: {
        "type": _told("The type of the Secret, Opaque without it."),
        "engineVersion": _told("The version of the template engine; there is one, v2."),
        "mergePolicy": _told(
            "Whether what templates make takes the place of what the stores gave (Replace) or joins it"
            " (Merge)."
        ),
        "metadata": _told("Labels, annotations and finalizers of the target."),
        "data": _told("Items of the target as Go templates over what the stores gave."),
        "templateFrom": _told("Templates that stand elsewhere. Those of data win over them."),
        "valuesDecodingStrategy": _told(f"For what the templates make. {_DECODING}"),
    },
    spec.Target: {
        "name": _told("The name of the Secret, that of the ExternalSecret without it.", NAME),
        "creationPolicy": _told(
            "Owner makes the Secret and has it go with the ExternalSecret; Orphan makes it and leaves it"
            " behind; Merge adds to a Secret that is there; CreateOrMerge makes it where there is none; None"
            " writes nothing."
        ),
        "deletionPolicy": _told(
            "What becomes of the Secret when the store has none of the values any more: Retain leaves it as"
            " it is, Delete deletes it, Merge takes out the keys that are gone."
        ),
        "immutable": _told("Whether the Secret is made immutable."),
        "template": _told("How the Secret is made from what the stores gave."),
        "manifest": _told("Another kind of object to make instead of a Secret. Not supported yet: refused."),
    },
    rewrite.Regexp: {
        "source": _told("A regular expression (RE2). Every match in the key is replaced."),
        "target": _told("What the matches become; $1 and ${name} are groups."),
    },
    rewrite.Transform: {"template": _told("A Go template that makes the new key of `.value`, the old one.")},
    rewrite.Merge: {
        "into": _told("The key of the JSON object. Needed with strategy JSON."),
        "priority": _told("Keys whose objects are merged last, so that they win, in this order."),
        "priorityPolicy": _told(
            "Whether each key of priority must be there (Strict, the default) or not (IgnoreNotFound)."
        ),
        "conflictPolicy": _told(
            "Whether a field in two of the objects is an error (Error, the default) or not (Ignore)."
        ),
        "strategy": _told(
            "Whether the merged fields take the place of all items (Extract, the default) or become one more"
            " item (JSON)."
        ),
    },
    rewrite.Rewrite: {
        "regexp": _told("Replaces what a regular expression matches."),
        "transform": _told("Makes keys with a template."),
        "merge": _told("Makes one object of all values, which are JSON objects."),
    },
    windows.Window: {
        "schedule": _told("When the window opens: five fields as in cron, in UTC."),
        "duration": _told("How long it is open, like 2h."),
    },
    windows.SyncWindows: {
        "kind": _told("Whether time makes refreshes due within the windows only (allow), or outside (deny)."),
        "windows": _told("The windows; any of them counts."),
    },
}

_STORES: Fields = {
    trust.SecretRef: {
        "name": _told("The name of the Secret.", NAME),
        "key": _told("The key of the item.", ITEM_KEY),
        "namespace": _told(_NAMESPACE_USE, NAMESPACE),
    },
    trust.CAProvider: {
        "type": _told("Secret or ConfigMap."),
        "name": _told("Its name.", NAME),
        "key": _told("The key of the certificates in it.", ITEM_KEY),
        "namespace": _told("Its namespace: needed in a ClusterSecretStore, and only there.", NAMESPACE),
    },
    fake.FakeConfig: {
        "data": _told("The secrets, in the clear."),
        "validationResult": _told("With 2 the store says that it is not valid."),
    },
    fake.FakeEntry: {
        "key": _told("The name of the secret."),
        "value": _told("Its value."),
        "version": _told("Its version; equal keys of different versions are different secrets."),
        "valueMap": _told("Its value as fields of a JSON object. Deprecated: write the JSON into value."),
    },
    kubernetes.Server: {
        "url": _told("The address of the API server."),
        "caBundle": _told(_CA_BUNDLE),
        "caProvider": _told(_CA_PROVIDER),
    },
    kubernetes.CertificateAuth: {
        "clientCert": _told("Where the certificate stands."),
        "clientKey": _told("Where its key stands."),
    },
    kubernetes.TokenAuth: {"bearerToken": _told("Where the token stands.")},
    kubernetes.ServiceAccount: {
        "name": _told("The name of the service account.", NAME),
        "namespace": _told(_NAMESPACE_USE, NAMESPACE),
        "audiences": _told("Whom its tokens are for."),
    },
    kubernetes.Auth: {
        "cert": _told("Log in with a client certificate."),
        "token": _told("Log in with a token of a Secret."),
        "serviceAccount": _told("Log in as a service account of this cluster."),
    },
    kubernetes.KubernetesConfig: {
        "server": _told("Which API server."),
        "auth": _told("How to log in; exactly one way."),
        "authRef": _told("A kubeconfig in a Secret, instead of server and auth."),
        "remoteNamespace": _told("The namespace whose Secrets are read.", NAMESPACE),
    },
    vault.ClientTLS: {
        "certSecretRef": _told("Where the client certificate stands."),
        "keySecretRef": _told("Where its key stands."),
    },
    vault.Auth: {
        "namespace": _told("The namespace to log in to, when it is another one."),
        "tokenSecretRef": _told("A token that stands in a Secret."),
        "appRole": _told("Log in with an AppRole."),
        "kubernetes": _told("Log in with a token of a service account."),
        "ldap": _told("Log in as a user of LDAP."),
        "jwt": _told("Log in with a JWT or a token of a service account."),
        "cert": _told("Log in with a client certificate."),
        "iam": _told("Log in with an identity of AWS."),
        "userPass": _told("Log in with a name and a password."),
        "gcp": _told("Log in with an identity of Google Cloud."),
    },
    vault.VaultConfig: {
        "server": _told("The address of the server, like https://vault.example.org:8200."),
        "auth": _told("How to log in."),
        "path": _told("The path that the secrets engine is mounted at."),
        "version": _told("The version of the key-value engine."),
        "namespace": _told("The namespace of Vault Enterprise or OpenBao."),
        "headers": _told("Headers that are sent along."),
        "caBundle": _told(_CA_BUNDLE),
        "caProvider": _told(_CA_PROVIDER),
        "tls": _told("A client certificate, for servers that ask for one."),
        "forwardInconsistent": _told("Whether a standby that is behind is to ask the active server."),
        "readYourWrites": _told("Whether reads wait for writes of the same client."),
        "checkAndSet": _told("Whether writes tell the version that they replace."),
    },
    webhook.WebhookSecretRef: {
        "name": _told("The name of the Secret.", NAME),
        "key": _told("Of no effect: all items are there for templates."),
        "namespace": _told(_NAMESPACE_USE, NAMESPACE),
    },
    webhook.WebhookSecret: {
        "name": _told("What templates call it: {{ .name.key }}."),
        "secretRef": _told("The Secret, which has the label external-secrets.io/type=webhook."),
    },
    webhook.WebhookResult: {"jsonPath": _told("The path (JSONPath) of the value in the answer; a template.")},
    webhook.WebhookConfig: {
        "url": _told("The address, a template over .remoteRef and the secrets."),
        "method": _told("The method of the request, GET without it."),
        "headers": _told("Headers of the request; their values are templates."),
        "body": _told("The body of the request, a template."),
        "timeout": _told("How long an answer may take, like 10s."),
        "result": _told("What of the answer is the value."),
        "secrets": _told("Secrets whose items templates may use."),
        "caBundle": _told(_CA_BUNDLE),
        "caProvider": _told(_CA_PROVIDER),
        "auth": _told("How to log in; not supported, credentials go into headers."),
    },
}

_GENERATORS: Fields = {
    generators.PasswordSpec: {
        "length": _told("How many characters."),
        "digits": _told("How many of them are digits; a quarter without it."),
        "symbols": _told("How many of them are symbols; a quarter without it."),
        "symbolCharacters": _told("The symbols to choose from."),
        "noUpper": _told("Whether capital letters are left out."),
        "allowRepeat": _told("Whether a character may come twice."),
        "encoding": _told("How the password is written."),
        "secretKeys": _told("The keys that get a password each; one, password, without it."),
    },
    generators.FakeSpec: {
        "controller": _told("The class of the controller that is to take it; empty means all."),
        "data": _told("The items."),
    },
    generators.GeneratorSpec: {
        "passwordSpec": _told("The spec of a Password."),
        "uuidSpec": _told("The spec of a UUID."),
        "fakeSpec": _told("The spec of a Fake."),
    },
    generators.ClusterGeneratorSpec: {
        "kind": _told("Which kind of generator it is: Password, UUID or Fake."),
        "generator": _told("The spec of that kind."),
    },
}

FIELDS: Fields = {**_EXTERNAL_SECRET, **_STORES, **_GENERATORS}
