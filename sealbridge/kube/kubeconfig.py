"""One cluster, user and namespace out of kubeconfig files and the flags that override them. No network.

The result is a kubeconfig with one context and absolute paths, which the `kubernetes` library reads. Rules
are those of kubectl: a flag that says who we are replaces every other way to say it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sealbridge.errors import UsageError
from sealbridge.secret import Value

EXTRA = "sealbridge[cluster]"
_PATHS = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}
_IDENTITIES = ("token", "tokenFile", "exec", "auth-provider", "username", "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What flags say instead of the kubeconfig; empty means that they do not say it."""

    context: str = ""
    cluster: str = ""
    user: str = ""
    namespace: str = ""
    server: str = ""
    certificate_authority: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    token: Value | None = field(default=None, repr=False)
    username: str = ""
    password: Value | None = field(default=None, repr=False)
    client_certificate: str = ""
    client_key: str = ""
    as_user: str = ""
    as_uid: str = ""
    as_groups: tuple[str, ...] = ()


def places(kubeconfig: str | None) -> str:
    """The files to read: the one named, those of $KUBECONFIG, or the one at home; empty without any."""
    named = kubeconfig or os.environ.get("KUBECONFIG")
    if named:
        return named
    home = Path.home() / ".kube" / "config"
    return str(home) if home.exists() else ""


def effective(path: str, overrides: Overrides) -> dict[str, Any]:
    """A kubeconfig with the one context that counts. Empty `path`: of the flags alone.

    Raises UsageError for what cannot be read, and for a context, cluster or user that is not there.
    """
    known = _read(path) if path else _nothing()
    name = overrides.context or known["current-context"]
    context: dict[str, Any] = {}
    if name:
        if name not in known["contexts"]:
            raise UsageError(f'context "{name}" does not exist', where=path or None)
        context = dict(known["contexts"][name])
    for kind, given in (("cluster", overrides.cluster), ("user", overrides.user)):
        if given:
            if given not in known[f"{kind}s"]:
                raise UsageError(f'{kind} "{given}" does not exist', where=path or None)
            context[kind] = given
    if overrides.namespace:
        context["namespace"] = overrides.namespace
    cluster = _cluster(dict(known["clusters"].get(context.get("cluster"), {})), overrides)
    user = _user(dict(known["users"].get(context.get("user"), {})), overrides)
    if not cluster.get("server"):
        raise UsageError(
            "no Kubernetes API server is configured",
            where=path or None,
            hint="choose a context with --context, or name the server with --server",
        )
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": context | {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": user}],
    }


def namespace(path: str, overrides: Overrides) -> str | None:
    """The namespace of the context; None when no file says anything. Needs no cluster. Raises UsageError."""
    if overrides.namespace:
        return overrides.namespace
    if not path:
        return None
    known = _read(path)
    name = overrides.context or known["current-context"]
    if name and name not in known["contexts"]:
        raise UsageError(f'context "{name}" does not exist', where=path)
    found = known["contexts"].get(name, {}).get("namespace")
    return str(found) if found else "default"


def impersonation(config: Mapping[str, Any], overrides: Overrides) -> tuple[tuple[str, str], ...]:
    """The headers by which we ask to be treated as somebody else, of the flags or else of the kubeconfig."""
    user = config["users"][0]["user"]
    name = overrides.as_user or user.get("as") or ""
    uid = overrides.as_uid or user.get("as-uid") or ""
    groups = overrides.as_groups or tuple(user.get("as-groups") or ())
    extra = user.get("as-user-extra") or {}
    headers = [("Impersonate-User", str(name))] if name else []
    headers += [("Impersonate-Uid", str(uid))] if uid else []
    headers += [("Impersonate-Group", str(group)) for group in groups]
    headers += [(f"Impersonate-Extra-{key}", str(one)) for key, ones in extra.items() for one in ones]
    if headers and not name:
        raise UsageError("a user is needed to impersonate groups or a uid", hint="name one with --as")
    return tuple(headers)


def _nothing() -> dict[str, Any]:
    return {"contexts": {}, "clusters": {}, "users": {}, "current-context": ""}


def _read(path: str) -> dict[str, Any]:
    """Contexts, clusters and users by name; of files that name the same thing, the first wins."""
    import yaml

    found = _nothing()
    files = [name for name in path.split(os.pathsep) if name]
    there = [name for name in files if Path(name).expanduser().exists()]
    if not there:
        raise UsageError("there is no such kubeconfig", where=path, hint="check --kubeconfig and KUBECONFIG")
    for name in there:
        try:
            config = yaml.load(Path(name).expanduser().read_bytes(), Loader=yaml.CSafeLoader)
        except OSError as error:
            raise UsageError(
                f"the kubeconfig cannot be read: {(error.strerror or 'unknown reason').lower()}", where=name
            ) from None
        except (yaml.YAMLError, ValueError, RecursionError):
            raise UsageError("the kubeconfig is not valid YAML", where=name) from None
        if config is None:
            continue
        if not isinstance(config, dict):
            raise UsageError("the kubeconfig is not a mapping", where=name)
        folder = Path(name).expanduser().resolve().parent
        found["current-context"] = found["current-context"] or config.get("current-context") or ""
        for kind in ("context", "cluster", "user"):
            for entry in config.get(f"{kind}s") or []:
                if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                    raise UsageError(f"a {kind} of the kubeconfig has no name", where=name)
                inner = entry.get(kind) or {}
                if not isinstance(inner, dict):
                    raise UsageError(
                        f'{kind} "{entry["name"]}" of the kubeconfig is not a mapping', where=name
                    )
                found[f"{kind}s"].setdefault(entry["name"], _absolute(kind, inner, folder))
    return found


def _absolute(kind: str, entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    made = dict(entry)
    for key in _PATHS.get(kind, ()):
        if isinstance(made.get(key), str) and made[key]:
            made[key] = str(folder / made[key])
    plugin = made.get("exec")
    if isinstance(plugin, dict) and "/" in str(plugin.get("command", "")):
        made["exec"] = plugin | {"command": str(folder / plugin["command"])}
    return made


def _cluster(cluster: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    if overrides.server:
        cluster["server"] = overrides.server if "://" in overrides.server else f"http://{overrides.server}"
    if overrides.insecure_skip_tls_verify:
        cluster["insecure-skip-tls-verify"] = True
        # As with kubectl, the flag also means that the file's authority is not looked at.
        if not overrides.certificate_authority:
            cluster.pop("certificate-authority", None)
            cluster.pop("certificate-authority-data", None)
    if overrides.certificate_authority:
        cluster.pop("certificate-authority-data", None)
        cluster["certificate-authority"] = str(Path(overrides.certificate_authority).absolute())
    if overrides.tls_server_name:
        cluster["tls-server-name"] = overrides.tls_server_name
    if overrides.proxy_url:
        cluster["proxy-url"] = overrides.proxy_url
    return cluster


def _user(user: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    if overrides.token is not None or overrides.username or overrides.password is not None:
        basic = overrides.token is None
        for key in _IDENTITIES:
            if not (basic and key in ("username", "password")):
                user.pop(key, None)
    if overrides.token is not None:
        user["token"] = overrides.token.reveal().decode()
    if overrides.username:
        user["username"] = overrides.username
    if overrides.password is not None:
        user["password"] = overrides.password.reveal().decode()
    for key, path in (
        ("client-certificate", overrides.client_certificate),
        ("client-key", overrides.client_key),
    ):
        if path:
            user.pop(f"{key}-data", None)
            user[key] = str(Path(path).absolute())
    return user
