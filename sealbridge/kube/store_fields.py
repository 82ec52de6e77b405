"""What each field of a store's spec means and may hold. Knows providers' configurations, asks nobody."""

from __future__ import annotations

from sealbridge.kube.field_limits import ITEM_KEY, NAME, NAMESPACE, Fields
from sealbridge.kube.field_limits import told as _told
from sealbridge.stores import fake, trust
from sealbridge.stores.kubernetes import config as kubernetes
from sealbridge.stores.vault import config as vault
from sealbridge.stores.webhook import config as webhook

_CA_BUNDLE = "PEM certificates of authorities, as they are or in base64. Without it the system's count."
_CA_PROVIDER = "Where else the certificates of authorities stand: a Secret or a ConfigMap."
_NAMESPACE_USE = "Its namespace: of use in a ClusterSecretStore only, else that of the ExternalSecret."

STORES: Fields = {
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
    vault.ServiceAccount: {
        "name": _told("The name of the service account.", NAME),
        "namespace": _told(_NAMESPACE_USE, NAMESPACE),
        "audiences": _told("Whom its tokens are for."),
    },
    vault.AppRole: {
        "path": _told("Where the method is mounted."),
        "roleId": _told("The id of the role."),
        "roleRef": _told("Where the id of the role stands, instead of roleId."),
        "secretRef": _told("Where the secret id stands."),
    },
    vault.KubernetesAuth: {
        "role": _told("The role to log in for."),
        "mountPath": _told("Where the method is mounted."),
        "serviceAccountRef": _told("The service account whose token is shown."),
        "secretRef": _told("A Secret whose token is shown, instead of a service account."),
    },
    vault.LdapAuth: {
        "username": _told("The name of the user."),
        "path": _told("Where the method is mounted."),
        "secretRef": _told("Where the password stands."),
    },
    vault.UserPass: {
        "username": _told("The name of the user."),
        "path": _told("Where the method is mounted."),
        "secretRef": _told("Where the password stands."),
    },
    vault.AccountToken: {
        "serviceAccountRef": _told("The service account."),
        "audiences": _told("Whom the token is for; vault without it."),
        "expirationSeconds": _told("How long the token is good for, in seconds."),
    },
    vault.JwtAuth: {
        "path": _told("Where the method is mounted."),
        "role": _told("The role to log in for; the method's default role without it."),
        "secretRef": _told("Where the JWT stands."),
        "kubernetesServiceAccountToken": _told("A service account whose token is shown, instead of a JWT."),
    },
    vault.CertAuth: {
        "path": _told("Where the method is mounted."),
        "vaultRole": _told("The role to log in for; any that the certificate fits without it."),
        "clientCert": _told("Where the certificate stands."),
        "secretRef": _told("Where its key stands."),
    },
    vault.CheckAndSet: {
        "required": _told(
            "Whether version 1, which cannot check, is refused; pushes to version 2 always check."
        ),
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
