"""The environment of a governed command: the proxy, the certificate bundle, placeholders, and none of our secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tameflare.connectors.placeholders import bound_to, placeholder, variables

PROXY_VARIABLES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
BUNDLE_VARIABLES: Final = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "GIT_PROXY_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "DENO_CERT",
    "PIP_CERT",
    "npm_config_cafile",
    "YARN_HTTPS_CA_FILE_PATH",
    "CARGO_HTTP_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPLIB2_CA_CERTS",
    "NIX_SSL_CERT_FILE",
    "BUNDLE_SSL_CA_CERT",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
)
NODE_OPTIONS: Final = "NODE_OPTIONS"
_REMOVED: Final = frozenset(
    {"ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "DATABASE_URL", "DASHBOARD_PASSWORD", "GATEWAY_URL"}
    | {"SETTINGS_ENCRYPTION_KEY", "SETTINGS_ENCRYPTION_KEY_PREVIOUS", "SENTRY_DSN", "POSTHOG_KEY"}
)
_REMOVED_PREFIXES: Final = ("SIGNING_KEY_", "SLACK_", "TURSO_", "TF_")
AGENT_KEY: Final = "TF_AGENT_KEY"
HARMLESS: Final = frozenset(
    {"TF_SERVER_URL", "TF_PUBLIC_URL", "TF_LOG_LEVEL", "TF_LOG_FORMAT"}
    | {"TF_LOG", "TF_LOG_PATH", "TF_LOG_CORE", "TF_LOG_PROVIDER", "TF_INPUT", "TF_WORKSPACE", "TF_IN_AUTOMATION"}
    | {"TF_PLUGIN_CACHE_DIR", "TF_IGNORE", "TF_USE_LEGACY_KERAS"}
    | {AGENT_KEY}
)
"""Variables of ours that hold no secret, those of Terraform and TensorFlow, which use the same prefix, and the key by
which an agent itself asks for decisions: it is made for the command."""
HARMLESS_PREFIXES: Final = ("TF_VAR_", "TF_CLI_", "TF_CPP_", "TF_ENABLE_", "TF_FORCE_", "TF_GPU_", "TF_NUM_", "TF_XLA_")


@dataclass(frozen=True)
class ChildEnvironment:
    """`replaced`: variables whose own value, which looked like a real key, gave way to a placeholder."""

    variables: dict[str, str]
    replaced: tuple[str, ...]


def child_environment(
    parent: Mapping[str, str],
    *,
    proxy_url: str,
    bundle: str,
    connectors: Iterable[tuple[str, str]],
    no_proxy: Collection[str] = (),
    keep: Collection[str] = (),
    node_preload: str = "",
    only_way: bool = False,
) -> ChildEnvironment:
    """The environment for the command. `connectors` are pairs of instance name and type; `keep` names variables that
    stay as they are although they would be removed or added to; `node_preload` is a file that each Node loads first.
    `only_way`: the command reaches nothing but the proxy, so that it asks for decisions there."""
    child = {name: value for name, value in parent.items() if name in keep or not is_removed(name)}
    child.update(dict.fromkeys(PROXY_VARIABLES, proxy_url))
    child.update(dict.fromkeys(BUNDLE_VARIABLES, bundle))
    child["NODE_USE_ENV_PROXY"] = "1"
    if only_way and AGENT_KEY in child:
        parts = urlsplit(proxy_url)
        child["TF_SERVER_URL"] = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if node_preload and NODE_OPTIONS not in keep:
        child[NODE_OPTIONS] = _node_options(node_preload, parent.get(NODE_OPTIONS, ""))
    if no_proxy:
        child["NO_PROXY"] = child["no_proxy"] = ",".join(no_proxy)
    stand_ins = _placeholders(connectors)
    replaced = [name for name in stand_ins if _looks_real(parent.get(name, ""))]
    return ChildEnvironment(child | stand_ins, tuple(replaced))


def is_removed(name: str) -> bool:
    """Whether a variable of that name could hold a secret of TameFlare or a way round the proxy."""
    if name in HARMLESS or name.startswith(HARMLESS_PREFIXES):
        return False
    return name in _REMOVED or name.startswith(_REMOVED_PREFIXES)


def _node_options(preload: str, users: str) -> str:
    """Ours stands first, so that what the user preloads already goes through the proxy. Quoted as Node reads it:
    https://nodejs.org/api/cli.html#node_optionsoptions."""
    quoted = preload.replace("\\", "\\\\").replace('"', '\\"')
    return f'--require="{quoted}" {users}'.rstrip()


def _placeholders(connectors: Iterable[tuple[str, str]]) -> dict[str, str]:
    """One placeholder per variable; where two instances share a type, the one named like its type goes first."""
    found: dict[str, str] = {}
    for name, kind in sorted(connectors, key=lambda pair: (pair[0] != pair[1], pair[0])):
        for variable in variables(kind):
            found.setdefault(variable, placeholder(kind, name))
    return found


def _looks_real(value: str) -> bool:
    return bool(value) and bound_to(value) is None
