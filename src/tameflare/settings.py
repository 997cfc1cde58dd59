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
from urllib.parse import unquote, urlsplit

from tameflare.core.config import DEFAULT_RATE_PER_MINUTE
from tameflare.core.decision import EnforcementLevel
from tameflare.core.errors import SettingError
from tameflare.core.secret import Secret

T = TypeVar("T")
_CENTURY: Final = 36525


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


def _text(value: str) -> str:
    return value


def _path(value: str) -> Path:
    return Path(value).expanduser()


def _port(value: str) -> int:
    number = int(value) if value.isdecimal() else -1
    if not 0 <= number <= 65535:
        raise ValueError("a port from 0 to 65535")
    return number


def _count(value: str) -> int:
    if not value.isdecimal() or int(value) == 0:
        raise ValueError("a whole number above 0")
    return int(value)


def _days(value: str) -> int | None:
    if not value.isdecimal() or not 0 < int(value) <= _CENTURY:
        raise ValueError("a whole number of days above 0, a century at most")
    return int(value)


def _whole(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("a whole number, 0 or more")
    return int(value)


def _seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 < number < 1e9:
        raise ValueError("a number of seconds above 0")
    return number


def _flag(value: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if value.lower() not in known:
        raise ValueError("`true` or `false`")
    return known[value.lower()]


def _hex_key(value: str) -> Secret | None:
    if len(value) != 64 or any(char not in "0123456789abcdefABCDEF" for char in value):
        raise ValueError("64 hexadecimal characters, as `openssl rand -hex 32` prints")
    return Secret(value.lower())


def _optional_secret(value: str) -> Secret | None:
    return Secret(value)


def _level(value: str) -> EnforcementLevel:
    try:
        return EnforcementLevel(value)
    except ValueError:
        raise ValueError("`full_enforce`, `soft_enforce` or `monitor`") from None


def _choice(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in words:
            raise ValueError("one of " + ", ".join(f"`{word}`" for word in words))
        return value

    return parse


Pins = Mapping[tuple[str, int], tuple[str, int]]


def parse_pins(value: str) -> Pins:
    """`host:port:addr:port,…` as curl's --resolve with a port behind; an IPv6 address stands in brackets."""
    pins: dict[tuple[str, int], tuple[str, int]] = {}
    for entry in filter(None, (part.strip() for part in value.split(","))):
        head, _, to_port = entry.rpartition(":")
        host, _, rest = head.partition(":")
        port, _, address = rest.partition(":")
        if not (host and address and port.isdecimal() and to_port.isdecimal()):
            raise ValueError("`host:port:address:port`, several divided by commas")
        pins[host.lower(), int(port)] = (address.strip("[]"), int(to_port))
    return pins


@dataclass(frozen=True)
class UpstreamProxy:
    """A company's proxy that stands between ours and the world; `credential` is `user:password`."""

    host: str
    port: int
    credential: Secret | None = None

    def __str__(self) -> str:
        return f"http://{self.host}:{self.port}"


def parse_upstream_proxy(value: str) -> UpstreamProxy | None:
    """`http://[user:password@]host:port`."""
    parts = urlsplit(value)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme != "http" or not host or not port or parts.path not in ("", "/") or parts.query:
        raise ValueError("`http://[user:password@]host:port`")
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return UpstreamProxy(host, port, Secret(pair) if parts.username else None)


_NO_PINS: Pins = {}

DATA_DIR: Final = Setting(
    "TF_DATA_DIR", _path, Path("~/.tameflare").expanduser(), "Where database, keys and spool are kept."
)
ENCRYPTION_KEY: Final = Setting(
    "SETTINGS_ENCRYPTION_KEY",
    _hex_key,
    None,
    "Master key that secrets are sealed with (64 hex characters); unset: secrets are stored plain, with a warning.",
)
HOST: Final = Setting("TF_HOST", _text, "127.0.0.1", "Address of the control plane's listener.")
PORT: Final = Setting("TF_PORT", _port, 3000, "Port of the control plane's listener.")
PUBLIC_URL: Final = Setting(
    "TF_PUBLIC_URL", _text, "", "Address of the control plane as others reach it; its host is answered for as well."
)
LOCAL_PROXY: Final = Setting(
    "TF_LOCAL_PROXY", _flag, False, "Keep a link token for a proxy on this machine; `tf up` sets it."
)
PROXY_HOST: Final = Setting("TF_PROXY_HOST", _text, "127.0.0.1", "Address of the proxy's listener.")
PROXY_PORT: Final = Setting("TF_PROXY_PORT", _port, 8443, "Port of the proxy's listener.")
SERVER_URL: Final = Setting(
    "TF_SERVER_URL",
    _text,
    "http://127.0.0.1:3000",
    "Where the command line and a proxy find the control plane; unset, at TF_PORT of this machine.",
    follows=PORT,
)
LINK_TOKEN: Final = Setting(
    "TF_LINK_TOKEN", _optional_secret, None, "Link token of a proxy on another machine; `tf up` makes its own."
)
TOKEN: Final = Setting(
    "TF_TOKEN", _optional_secret, None, "Personal access token of the command line, before the one of `tf login`."
)
GATEWAY_URL: Final = Setting(
    "GATEWAY_URL",
    _text,
    "http://127.0.0.1:8443",
    "Where `tf run` finds the proxy when no `.tf` folder says so; unset, at TF_PROXY_PORT of this machine.",
    follows=PROXY_PORT,
)
GATEWAY_TOKEN: Final = Setting(
    "TF_GATEWAY_TOKEN", _optional_secret, None, "Proxy token that `tf run` uses before the one in `.tf/config.yaml`."
)
REGISTRATION: Final = Setting(
    "TF_REGISTRATION", _choice("open", "invite", "closed"), "invite", "Who may register after the first owner."
)
LEVEL: Final = Setting(
    "TF_ENFORCEMENT_LEVEL", _level, EnforcementLevel.FULL_ENFORCE, "Enforcement level that a new gateway starts with."
)
RATE_LIMIT: Final = Setting(
    "TF_RATE_LIMIT_PER_MINUTE",
    _count,
    DEFAULT_RATE_PER_MINUTE,
    "Requests a minute and agent that a new gateway starts with.",
)
MAX_BODY: Final = Setting("TF_MAX_BODY", _count, 1 << 20, "Bytes of a body that is read before the decision.")
APPROVAL_TIMEOUT: Final = Setting(
    "TF_APPROVAL_TIMEOUT",
    _seconds,
    300.0,
    "Seconds that a connection waits for people; it is answered five seconds earlier, before clients give up.",
)
MAX_HELD_BODY: Final = Setting(
    "TF_MAX_HELD_BODY", _count, 16 << 20, "Bytes of a body that is kept in memory while its request waits for people."
)
MAX_PENDING_APPROVALS: Final = Setting(
    "TF_MAX_PENDING_APPROVALS", _count, 20, "Approvals of one agent that may wait for people at a time."
)
MAX_HELD_REQUESTS: Final = Setting(
    "TF_MAX_HELD_REQUESTS", _count, 50, "Requests of one agent that may be held at a time, on one proxy."
)
MAX_TUNNELS: Final = Setting(
    "TF_MAX_TUNNELS", _count, 1000, "Connections of one agent that may be open at a time, on one proxy."
)
MAX_BUFFERED: Final = Setting(
    "TF_MAX_BUFFERED", _count, 256 << 20, "Bytes of bodies of one agent that may be kept in memory at a time."
)
MAX_CONNECTIONS: Final = Setting(
    "TF_MAX_CONNECTIONS",
    _count,
    20_000,
    "Connections that a proxy may have at a time; fewer where the system allows too few open files for so many.",
)
MAX_UNAUTHENTICATED: Final = Setting(
    "TF_MAX_UNAUTHENTICATED",
    _count,
    1000,
    "Connections without an accepted token that a proxy may have at a time; one more cuts the oldest of them.",
)
CONFIG_MAX_AGE: Final = Setting(
    "TF_CONFIG_MAX_AGE",
    _whole,
    86400,
    "Seconds that a proxy goes on without news from the control plane before it denies; 0: for ever.",
)
UPSTREAM_CA: Final = Setting(
    "TF_UPSTREAM_CA", _text, "", "PEM file with further certificate authorities for upstream servers."
)
RESOLVE: Final = Setting(
    "TF_RESOLVE",
    parse_pins,
    _NO_PINS,
    "Pins upstream addresses: `host:port:address:port,…`; pinned addresses pass the address guard.",
)
UPSTREAM_PROXY: Final = Setting(
    "TF_UPSTREAM_PROXY",
    parse_upstream_proxy,
    None,
    "A company's proxy that upstream connections go through: `http://[user:password@]host:port`.",
)
CONNECT_TIMEOUT: Final = Setting(
    "TF_CONNECT_TIMEOUT", _seconds, 10.0, "Seconds for resolving, connecting and the TLS handshake with an upstream."
)
IDLE_TIMEOUT: Final = Setting(
    "TF_IDLE_TIMEOUT", _seconds, 300.0, "Seconds without a byte from the upstream while a response is awaited."
)
TOTAL_TIMEOUT: Final = Setting("TF_TOTAL_TIMEOUT", _seconds, 3600.0, "Seconds that one request may take in all.")
CLIENT_IDLE_TIMEOUT: Final = Setting(
    "TF_CLIENT_IDLE_TIMEOUT", _seconds, 600.0, "Seconds that an agent's connection may stay open between requests."
)
HEAD_TIMEOUT: Final = Setting(
    "TF_HEAD_TIMEOUT", _seconds, 20.0, "Seconds for the head of a request, or for a TLS handshake, to arrive whole."
)
STOP_TIMEOUT: Final = Setting(
    "TF_STOP_TIMEOUT", _seconds, 10.0, "Seconds that requests in flight are given when a process stops."
)
FSYNC_INTERVAL: Final = Setting(
    "TF_FSYNC_INTERVAL", _seconds, 0.1, "Seconds between two flushes of the record spool to the disk."
)
SPOOL_MAX_BYTES: Final = Setting("TF_SPOOL_MAX_BYTES", _count, 1 << 30, "Bytes of records that may wait for delivery.")
SPOOL_FULL: Final = Setting(
    "TF_SPOOL_FULL", _choice("deny", "allow"), "deny", "What happens to requests that cannot be recorded."
)
SENSITIVE_QUERY: Final = Setting(
    "TF_SENSITIVE_QUERY",
    _text,
    "access_token,api_key,apikey,auth,client_secret,code,key,password,secret,sig,signature,state,token",
    "Names of query parameters whose values are masked in records, divided by commas.",
)
RETENTION_DAYS: Final = Setting(
    "AUDIT_RETENTION_DAYS",
    _days,
    None,
    "Days that records are kept for; a month of them is dropped whole once all of it is older; unset: all are kept.",
)
LOG_LEVEL: Final = Setting(
    "TF_LOG_LEVEL",
    _choice("debug", "info", "warning", "error"),
    "info",
    "The least important log line that is written.",
)
LOG_FORMAT: Final = Setting(
    "TF_LOG_FORMAT", _choice("auto", "json", "text"), "auto", "`json`, `text`, or `auto`: text on a terminal."
)
ALLOW_WIDE_PERMISSIONS: Final = Setting(
    "TF_ALLOW_WIDE_PERMISSIONS", _flag, False, "Start although others may read the data directory."
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
