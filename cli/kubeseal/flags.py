"""kubeseal's flags, as Go's pflag reads them from the environment and the command line. Does nothing else.

Variables are SEALED_SECRETS_ and the flag's name; they are read first, so that the command line wins, and
one with a value that cannot be is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

SCOPES = ("strict", "namespace-wide", "cluster-wide")
_PREFIX = "SEALED_SECRETS_"
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_NAMESPACE_PREFIXES = ("namespaces/", "namespace/", "ns/")


class FlagError(Exception):
    """The command line cannot be understood; its text is pflag's."""


class HelpWanted(Exception):  # noqa: N818 - it is no error
    """-h or --help is on the command line."""


class Flag(NamedTuple):
    """A flag: what it takes (`string`, `bool`, `strings`, `scope`, `int`), and what its help says."""

    name: str
    kind: str
    help: str
    default: str = ""
    short: str = ""
    deprecated: str = ""
    same_as: str = ""  # the flag that it sets
    klog: bool = False  # these have no variables


FLAGS = (
    Flag("allow-empty-data", "bool", "Allow empty data in the secret object"),
    Flag("as", "string", "Username to impersonate for the operation"),
    Flag("as-group", "array", "Group to impersonate, can be repeated for several"),
    Flag("as-uid", "string", "UID to impersonate for the operation"),
    Flag("cert", "string", "Certificate file or URL to seal with. Overrides --controller-*"),
    Flag("certificate-authority", "string", "Path to a certificate of the API server's authority"),
    Flag("client-certificate", "string", "Path to a client certificate for TLS"),
    Flag("client-key", "string", "Path to a client key for TLS"),
    Flag("cluster", "string", "The kubeconfig cluster to use"),
    Flag("context", "string", "The kubeconfig context to use"),
    Flag(
        "controller-name", "string", "Name of the controller's Service", default="sealed-secrets-controller"
    ),
    Flag("controller-namespace", "string", "Namespace of the controller", default="kube-system"),
    Flag("disable-compression", "bool", "Taken, and without effect"),
    Flag("fetch-cert", "bool", "Write the certificate to stdout, for later use with --cert"),
    Flag("format", "string", "Output format, either json or yaml", default="json", short="o"),
    Flag("from-file", "strings", "(only with --raw) Read the value from [key=]path"),
    Flag("insecure-skip-tls-verify", "bool", "Do not check the API server's certificate"),
    Flag("kubeconfig", "string", "Path to a kubeconfig"),
    Flag("merge-into", "string", "Merge items into this sealed secret file, in place"),
    Flag("name", "string", "Name of the sealed secret (required with --raw and the scope strict)"),
    Flag("namespace", "string", "The namespace", short="n"),
    Flag("password", "string", "Password for basic authentication to the API server"),
    Flag("proxy-url", "string", "Proxy by which to reach the API server"),
    Flag("raw", "bool", "Encrypt a raw value from stdin or --from-file instead of a whole Secret"),
    Flag("re-encrypt", "bool", "Have the controller seal a sealed secret anew with its latest key"),
    Flag("recovery-private-key", "strings", "Private key files for --recovery-unseal: PEM, Secret or List"),
    Flag("recovery-unseal", "bool", "Decrypt a sealed secret with --recovery-private-key, without a cluster"),
    Flag("request-timeout", "string", "How long to wait for one answer: 0, 30, 30s, 2m", default="0"),
    Flag("rotate", "bool", "", deprecated="please use --re-encrypt instead", same_as="re-encrypt"),
    Flag("scope", "scope", "Scope: strict, namespace-wide or cluster-wide (default strict)"),
    Flag("sealed-secret-file", "string", "Sealed secret (output) file", short="w"),
    Flag("secret-file", "string", "Secret (input) file", short="f"),
    Flag("server", "string", "Address and port of the API server", short="s"),
    Flag("tls-server-name", "string", "Name to check the API server's certificate against"),
    Flag("token", "string", "Bearer token for the API server"),
    Flag("user", "string", "The kubeconfig user to use"),
    Flag("username", "string", "Username for basic authentication to the API server"),
    Flag("validate", "bool", "Ask the controller whether it can decrypt the sealed secret"),
    Flag("version", "bool", "Print version information and exit"),
    Flag("add_dir_header", "bool", "(log) taken, and without effect", klog=True),
    Flag("alsologtostderr", "bool", "(log) taken, and without effect", klog=True),
    Flag("log_backtrace_at", "string", "(log) taken, and without effect", klog=True),
    Flag("log_dir", "string", "(log) taken, and without effect", klog=True),
    Flag("log_file", "string", "(log) taken, and without effect", klog=True),
    Flag("log_file_max_size", "int", "(log) taken, and without effect", klog=True),
    Flag("logtostderr", "bool", "(log) taken, and without effect", klog=True),
    Flag("one_output", "bool", "(log) taken, and without effect", klog=True),
    Flag("skip_headers", "bool", "(log) taken, and without effect", klog=True),
    Flag("skip_log_headers", "bool", "(log) taken, and without effect", klog=True),
    Flag("stderrthreshold", "string", "(log) taken, and without effect", klog=True),
    Flag("v", "int", "(log) taken, and without effect", short="v", klog=True),
    Flag("vmodule", "string", "(log) taken, and without effect", klog=True),
)
_BY_NAME = {flag.name: flag for flag in FLAGS}
_BY_SHORT = {flag.short: flag for flag in FLAGS if flag.short}


@dataclass
class Flags:
    """What the flags say. `given` are the names of those that something was said about."""

    texts: dict[str, str] = field(default_factory=dict, repr=False)
    lists: dict[str, list[str]] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    deprecated: list[str] = field(default_factory=list)
    stdin: bytes | None = field(default=None, repr=False)  # where it had to be read ahead

    def text(self, name: str) -> str:
        """Of a flag that takes one value."""
        return self.texts.get(name, _BY_NAME[name].default)

    def on(self, name: str) -> bool:
        """Whether a switch is on."""
        return self.texts.get(name) == "true"

    def list(self, name: str) -> list[str]:
        """Of a flag that may be repeated."""
        return self.lists.get(name, [])

    def set(self, flag: Flag, value: str) -> None:
        """Take a value. Raises ValueError with what is wrong with it."""
        name = flag.same_as or flag.name
        if flag.kind == "bool":
            if value not in _TRUE | _FALSE:
                raise ValueError(f"strconv.ParseBool: parsing {quoted(value)}: invalid syntax")
            value = "true" if value in _TRUE else "false"
        elif flag.kind == "int":
            try:
                int(value, 0)
            except ValueError:
                raise ValueError(f"strconv.ParseInt: parsing {quoted(value)}: invalid syntax") from None
        elif flag.kind == "scope" and value not in ("", *SCOPES):
            raise ValueError(f"must be one of: {', '.join(SCOPES)}")
        if flag.kind in ("strings", "array"):
            self.lists.setdefault(name, []).extend([value] if flag.kind == "array" else _comma_list(value))
        else:
            self.texts[name] = _unprefixed(value) if name == "namespace" else value
        self.given.add(name)


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Flags:
    """Read both. Raises FlagError and HelpWanted. Arguments that are no flags are ignored."""
    flags = Flags()
    for flag in FLAGS:
        value = environment.get(_PREFIX + flag.name.upper().replace("-", "_"))
        if value is not None and not flag.klog:
            try:
                flags.set(flag, value)
            except ValueError:
                continue
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            break
        if argument.startswith("--"):
            _long(flags, argument, rest)
        elif argument.startswith("-") and argument != "-":
            _shorts(flags, argument, rest)
    return flags


def usage() -> str:
    """What -h prints: every flag with its default."""
    rows = []
    for flag in sorted(FLAGS, key=lambda one: one.name):
        if flag.deprecated:
            continue
        short = f"-{flag.short}, " if flag.short else "    "
        kind = {"bool": "", "array": " strings", "scope": " string"}.get(flag.kind, f" {flag.kind}")
        name = f"--{flag.name}{'=level' if flag.name == 'v' else kind}"
        default = f' (default "{flag.default}")' if flag.default else ""
        rows.append((f"  {short}{name}", flag.help + default))
    width = max(len(left) for left, _ in rows) + 3
    return "Usage of kubeseal:\n" + "".join(f"{left:<{width}}{right}\n" for left, right in rows)


def quoted(text: str) -> str:
    """In quotes, as Go's %q has most texts."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _long(flags: Flags, argument: str, rest: Iterator[str]) -> None:
    name, equals, value = argument[2:].partition("=")
    if not name or name.startswith("-"):
        raise FlagError(f"bad flag syntax: {argument}")
    flag = _BY_NAME.get(name)
    if flag is None:
        if name == "help":
            raise HelpWanted
        raise FlagError(f"unknown flag: --{name}")
    if not equals:
        if flag.kind == "bool":
            value = "true"
        else:
            following = next(rest, None)
            if following is None:
                raise FlagError(f"flag needs an argument: --{name}")
            value = following
    _set(flags, flag, value)


def _shorts(flags: Flags, argument: str, rest: Iterator[str]) -> None:
    letters = argument[1:]
    while letters:
        flag = _BY_SHORT.get(letters[0])
        if flag is None:
            if letters[0] == "h":
                raise HelpWanted
            raise FlagError(f"unknown shorthand flag: '{letters[0]}' in -{letters}")
        if len(letters) > 2 and letters[1] == "=":
            value, letters = letters[2:], ""
        elif len(letters) > 1:
            value, letters = letters[1:], ""
        else:
            following = next(rest, None)
            if following is None:
                raise FlagError(f"flag needs an argument: '{letters[0]}' in -{letters}")
            value, letters = following, ""
        _set(flags, flag, value)


def _set(flags: Flags, flag: Flag, value: str) -> None:
    try:
        flags.set(flag, value)
    except ValueError as error:
        name = f"-{flag.short}, --{flag.name}" if flag.short else f"--{flag.name}"
        raise FlagError(f"invalid argument {quoted(value)} for {quoted(name)} flag: {error}") from None
    if flag.deprecated:
        flags.deprecated.append(f"Flag --{flag.name} has been deprecated, {flag.deprecated}")


def _comma_list(value: str) -> list[str]:
    if '"' not in value:
        return value.split(",") if value else []
    import csv

    try:
        rows = list(csv.reader([value], strict=True))
    except csv.Error as error:
        raise ValueError(f"parse error: {error}") from None
    return rows[0] if rows else []


def _unprefixed(namespace: str) -> str:
    for prefix in _NAMESPACE_PREFIXES:
        if namespace.startswith(prefix):
            return namespace.removeprefix(prefix)
    return namespace
