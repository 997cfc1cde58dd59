"""Every setting once: its name in the environment, type, default and a sentence.

A wrong value stops the start with one clear line. `tf doctor` prints each with its source; the reference page in docs/
is made from this table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from tameflare import setting_keys
from tameflare import setting_values as values
from tameflare.core.config import DEFAULT_RATE_PER_MINUTE
from tameflare.core.decision import EnforcementLevel
from tameflare.core.errors import SettingError

T = TypeVar("T")


@dataclass(frozen=True)
class Setting(Generic[T]):
    """`parse` raises ValueError with what was expected.

    `follows` names a port: while that one is set and this is not, the default (a URL) is at that port.
    """

    name: str
    parse: Callable[[str], T]
    default: T
    sentence: str
    follows: Setting[int] | None = None


_NO_PINS: values.Pins = {}
_NO_HOSTS: tuple[str, ...] = ()

DATA_DIR: Final = Setting(
    "TF_DATA_DIR", values.path, Path("~/.tameflare").expanduser(), "Where database, keys and spool are kept."
)
DATABASE_URL: Final = Setting(
    "DATABASE_URL",
    values.database_url,
    None,
    "PostgreSQL database of the control plane, as libpq reads it (`postgresql://user:password@host/name?sslmode=…`); "
    "unset: SQLite in the data directory.",
)
ENCRYPTION_KEY: Final = Setting(
    "SETTINGS_ENCRYPTION_KEY",
    values.hex_key,
    None,
    "Master key that secrets are sealed with (64 hex characters); unset: secrets are stored plain, with a warning.",
)
SIGNING_KEY_PRIVATE: Final = Setting(
    "SIGNING_KEY_PRIVATE",
    setting_keys.private_key,
    None,
    "P-256 key in PEM that decision tokens are signed with (line breaks may be written as `\\n`); unset: one is made "
    "at the first start and kept sealed.",
)
SIGNING_KEY_PUBLIC: Final = Setting(
    "SIGNING_KEY_PUBLIC", setting_keys.public_key, "", "Its public half; need not be set, and must belong to it."
)
HOST: Final = Setting("TF_HOST", values.text, "127.0.0.1", "Address of the control plane's listener.")
PORT: Final = Setting("TF_PORT", values.port, 3000, "Port of the control plane's listener.")
PUBLIC_URL: Final = Setting(
    "TF_PUBLIC_URL",
    values.text,
    "",
    "Address of the control plane as others reach it; its host is answered for as well.",
)
LOCAL_PROXY: Final = Setting(
    "TF_LOCAL_PROXY", values.flag, False, "Keep a link token for a proxy on this machine; `tf up` sets it."
)
PROXY_HOST: Final = Setting("TF_PROXY_HOST", values.text, "127.0.0.1", "Address of the proxy's listener.")
PROXY_PORT: Final = Setting("TF_PROXY_PORT", values.port, 8443, "Port of the proxy's listener.")
PROXY_TLS_NAMES: Final = Setting(
    "TF_PROXY_TLS_NAMES",
    values.hosts,
    _NO_HOSTS,
    "Names and addresses, divided by commas, by which agents reach the proxy in TLS, with a certificate of the proxy's "
    "own authority.",
)
PROXY_TLS_CERT: Final = Setting(
    "TF_PROXY_TLS_CERT",
    values.optional_path,
    None,
    "PEM file with the certificate that the proxy shows to agents instead, and those that signed it; read again when "
    "it changes.",
)
PROXY_TLS_KEY: Final = Setting(
    "TF_PROXY_TLS_KEY", values.optional_path, None, "PEM file with the key of that certificate, closed to others."
)
PROXY_TLS_PORT: Final = Setting(
    "TF_PROXY_TLS_PORT",
    values.optional_port,
    None,
    "Port of a second listener that speaks TLS beside the plain one; unset: the one at TF_PROXY_PORT does, where a "
    "certificate is set.",
)
PROXY_TLS_HOST: Final = Setting("TF_PROXY_TLS_HOST", values.text, "0.0.0.0", "Address of that second listener.")  # noqa: S104
PROXY_CA: Final = Setting(
    "TF_PROXY_CA",
    values.text,
    "",
    "PEM file with the authority of a proxy that is reached by https, for `tf` and the programs that it runs.",
)
SERVER_URL: Final = Setting(
    "TF_SERVER_URL",
    values.text,
    "http://127.0.0.1:3000",
    "Where the command line and a proxy find the control plane; unset, at TF_PORT of this machine.",
    follows=PORT,
)
LINK_TOKEN: Final = Setting(
    "TF_LINK_TOKEN", values.optional_secret, None, "Link token of a proxy on another machine; `tf up` makes its own."
)
TOKEN: Final = Setting(
    "TF_TOKEN", values.optional_secret, None, "Personal access token of the command line, before the one of `tf login`."
)
GATEWAY_URL: Final = Setting(
    "GATEWAY_URL",
    values.text,
    "http://127.0.0.1:8443",
    "Where `tf run` finds the proxy when no `.tf` folder says so; unset, at TF_PROXY_PORT of this machine.",
    follows=PROXY_PORT,
)
GATEWAY_TOKEN: Final = Setting(
    "TF_GATEWAY_TOKEN",
    values.optional_secret,
    None,
    "Proxy token that `tf run` uses before the one in `.tf/config.yaml`.",
)
ISOLATE: Final = Setting(
    "TF_ISOLATE",
    values.choice("off", "required", "if-possible"),
    "off",
    "Whether `tf run` isolates its command when it is called without --isolate.",
)
REGISTRATION: Final = Setting(
    "TF_REGISTRATION", values.choice("open", "invite", "closed"), "invite", "Who may register after the first owner."
)
LEVEL: Final = Setting(
    "TF_ENFORCEMENT_LEVEL",
    values.level,
    EnforcementLevel.FULL_ENFORCE,
    "Enforcement level that a new gateway starts with.",
)
RATE_LIMIT: Final = Setting(
    "TF_RATE_LIMIT_PER_MINUTE",
    values.count,
    DEFAULT_RATE_PER_MINUTE,
    "Requests a minute and agent that a new gateway starts with.",
)
TIMEZONE: Final = Setting(
    "TF_TIMEZONE",
    values.zone,
    "",
    "Time zone that policies read clocks in, by its IANA name; unset: that of the server's machine, or UTC.",
)
MAX_POLICIES: Final = Setting("TF_MAX_POLICIES", values.count, 1000, "Policies that there may be.")
MAX_POLICY_BYTES: Final = Setting(
    "TF_MAX_POLICY_BYTES", values.count, 64 << 10, "Bytes that the source of one policy may have; 65536 at most."
)
MAX_BODY: Final = Setting("TF_MAX_BODY", values.count, 1 << 20, "Bytes of a body that is read before the decision.")
APPROVAL_TIMEOUT: Final = Setting(
    "TF_APPROVAL_TIMEOUT",
    values.seconds,
    300.0,
    "Seconds that a connection waits for people; it is answered five seconds earlier, before clients give up.",
)
EXECUTE_TIMEOUT: Final = Setting(
    "TF_EXECUTE_TIMEOUT",
    values.seconds,
    60.0,
    "Seconds within which a proxy must carry out an action that the decision API is asked to execute.",
)
MAX_HELD_BODY: Final = Setting(
    "TF_MAX_HELD_BODY",
    values.count,
    16 << 20,
    "Bytes of a body that is kept in memory while its request waits for people.",
)
MAX_PENDING_APPROVALS: Final = Setting(
    "TF_MAX_PENDING_APPROVALS", values.count, 20, "Approvals of one agent that may wait for people at a time."
)
DENIAL_STANDS: Final = Setting(
    "TF_DENIAL_STANDS",
    values.whole,
    300,
    "Seconds for which a person's no answers the same request of the same agent again; 0 asks people every time.",
)
MAX_HELD_REQUESTS: Final = Setting(
    "TF_MAX_HELD_REQUESTS", values.count, 50, "Requests of one agent that may be held at a time, on one proxy."
)
MAX_TUNNELS: Final = Setting(
    "TF_MAX_TUNNELS", values.count, 1000, "Connections of one agent that may be open at a time, on one proxy."
)
MAX_BUFFERED: Final = Setting(
    "TF_MAX_BUFFERED", values.count, 256 << 20, "Bytes of bodies of one agent that may be kept in memory at a time."
)
MAX_CONNECTIONS: Final = Setting(
    "TF_MAX_CONNECTIONS",
    values.count,
    20_000,
    "Connections that a proxy may have at a time; fewer where the system allows too few open files for so many.",
)
MAX_UNAUTHENTICATED: Final = Setting(
    "TF_MAX_UNAUTHENTICATED",
    values.count,
    1000,
    "Connections without an accepted token that a proxy may have at a time; one more cuts the oldest of them.",
)
CONFIG_MAX_AGE: Final = Setting(
    "TF_CONFIG_MAX_AGE",
    values.whole,
    86400,
    "Seconds that a proxy goes on without news from the control plane before it denies; 0: for ever.",
)
UPSTREAM_CA: Final = Setting(
    "TF_UPSTREAM_CA", values.text, "", "PEM file with further certificate authorities for upstream servers."
)
RESOLVE: Final = Setting(
    "TF_RESOLVE",
    values.parse_pins,
    _NO_PINS,
    "Pins upstream addresses: `host:port:address:port,…`; pinned addresses pass the address guard.",
)
UPSTREAM_PROXY: Final = Setting(
    "TF_UPSTREAM_PROXY",
    values.parse_upstream_proxy,
    None,
    "A company's proxy that upstream connections go through: `http://[user:password@]host:port`, or https.",
)
CONNECT_TIMEOUT: Final = Setting(
    "TF_CONNECT_TIMEOUT",
    values.seconds,
    10.0,
    "Seconds for resolving, connecting and the TLS handshake with an upstream.",
)
IDLE_TIMEOUT: Final = Setting(
    "TF_IDLE_TIMEOUT", values.seconds, 300.0, "Seconds without a byte from the upstream while a response is awaited."
)
TOTAL_TIMEOUT: Final = Setting("TF_TOTAL_TIMEOUT", values.seconds, 3600.0, "Seconds that one request may take in all.")
CLIENT_IDLE_TIMEOUT: Final = Setting(
    "TF_CLIENT_IDLE_TIMEOUT",
    values.seconds,
    600.0,
    "Seconds that an agent's connection may stay open between requests.",
)
HEAD_TIMEOUT: Final = Setting(
    "TF_HEAD_TIMEOUT",
    values.seconds,
    20.0,
    "Seconds for the head of a request, or for a TLS handshake, to arrive whole.",
)
STOP_TIMEOUT: Final = Setting(
    "TF_STOP_TIMEOUT", values.seconds, 10.0, "Seconds that requests in flight are given when a process stops."
)
FSYNC_INTERVAL: Final = Setting(
    "TF_FSYNC_INTERVAL", values.seconds, 0.1, "Seconds between two flushes of the record spool to the disk."
)
SPOOL_MAX_BYTES: Final = Setting(
    "TF_SPOOL_MAX_BYTES", values.count, 1 << 30, "Bytes of records that may wait for delivery."
)
SPOOL_FULL: Final = Setting(
    "TF_SPOOL_FULL", values.choice("deny", "allow"), "deny", "What happens to requests that cannot be recorded."
)
SENSITIVE_QUERY: Final = Setting(
    "TF_SENSITIVE_QUERY",
    values.text,
    "access_token,api_key,apikey,auth,client_secret,code,key,password,secret,sig,signature,state,token",
    "Names of query parameters whose values are masked in records, divided by commas.",
)
WEBHOOK_HOSTS: Final = Setting(
    "TF_WEBHOOK_HOSTS",
    values.hosts,
    _NO_HOSTS,
    "Hosts, divided by commas, that an agent may name in `webhook_url` of what it asks; unset: none.",
)
MAX_AGENTS: Final = Setting(
    "TF_MAX_AGENTS",
    values.limit,
    None,
    "How many agents there may be in all gateways, revoked ones left out; unset: any number.",
)
MAX_ACTIONS: Final = Setting(
    "TF_MAX_ACTIONS_PER_MONTH",
    values.limit,
    None,
    "How many actions a calendar month (UTC) may have: those asked for by the decision API and requests through proxies"
    " that got a name; the decision API refuses what comes after. Unset: any number.",
)
RETENTION_DAYS: Final = Setting(
    "AUDIT_RETENTION_DAYS",
    values.days,
    None,
    "Days that records are kept for; a month of them is dropped whole once all of it is older; unset: all are kept.",
)
LOG_LEVEL: Final = Setting(
    "TF_LOG_LEVEL",
    values.choice("debug", "info", "warning", "error"),
    "info",
    "The least important log line that is written.",
)
LOG_FORMAT: Final = Setting(
    "TF_LOG_FORMAT", values.choice("auto", "json", "text"), "auto", "`json`, `text`, or `auto`: text on a terminal."
)
ALLOW_WIDE_PERMISSIONS: Final = Setting(
    "TF_ALLOW_WIDE_PERMISSIONS", values.flag, False, "Start although others may read the data directory."
)

ALL: Final[tuple[Setting[Any], ...]] = tuple(value for value in list(globals().values()) if isinstance(value, Setting))


class Settings:
    """The settings of one process, read from its environment when asked; each read is checked."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def get(self, setting: Setting[T]) -> T:
        """Raises SettingError where the value cannot be used."""
        raw = self._environment.get(setting.name, "").strip()
        if not raw:
            return self._default(setting)
        try:
            return setting.parse(raw)
        except ValueError as fault:
            raise SettingError(f"{setting.name} is not {fault}", "correct it or unset it") from None

    def _default(self, setting: Setting[T]) -> T:
        port = self.get(setting.follows) if setting.follows else 0
        if setting.follows is None or port in (0, setting.follows.default):
            return setting.default
        return setting.parse(f"http://127.0.0.1:{port}")

    def is_set(self, setting: Setting[Any]) -> bool:
        return bool(self._environment.get(setting.name, "").strip())

    def check(self) -> None:
        """Read every setting once; raises SettingError for the first wrong one."""
        for setting in ALL:
            self.get(setting)
