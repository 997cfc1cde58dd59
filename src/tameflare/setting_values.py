"""How settings are read from text: each function raises ValueError with what was expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tameflare.core.decision import EnforcementLevel
from tameflare.core.secret import Secret

_CENTURY: Final = 36525
_NO_ZONES: Final = frozenset({"localtime", "posixrules", "Factory", "posix", "right"})


def text(value: str) -> str:
    return value


def path(value: str) -> Path:
    return Path(value).expanduser()


def optional_path(value: str) -> Path | None:
    return path(value)


def optional_port(value: str) -> int | None:
    return port(value)


def hosts(value: str) -> tuple[str, ...]:
    hosts = tuple(dict.fromkeys(filter(None, (part.strip().lower().strip("[]") for part in value.split(",")))))
    if not hosts or any(set(host) & set(" /@*") or (":" in host and host.count(":") < 2) for host in hosts):
        raise ValueError("names or addresses without port, divided by commas")
    return hosts


def port(value: str) -> int:
    number = int(value) if value.isdecimal() else -1
    if not 0 <= number <= 65535:
        raise ValueError("a port from 0 to 65535")
    return number


def count(value: str) -> int:
    if not value.isdecimal() or int(value) == 0:
        raise ValueError("a whole number above 0")
    return int(value)


def days(value: str) -> int | None:
    if not value.isdecimal() or not 0 < int(value) <= _CENTURY:
        raise ValueError("a whole number of days above 0, a century at most")
    return int(value)


def limit(value: str) -> int | None:
    if not value.isdecimal() or not 0 < int(value) < 1 << 53:
        raise ValueError("a whole number above 0")
    return int(value)


def whole(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("a whole number, 0 or more")
    return int(value)


def seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 < number < 1e9:
        raise ValueError("a number of seconds above 0")
    return number


def flag(value: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if value.lower() not in known:
        raise ValueError("`true` or `false`")
    return known[value.lower()]


def zone(value: str) -> str:
    """Names that mean another zone on another machine are none."""
    import zoneinfo  # takes a while, and few commands need it

    try:
        if value.partition("/")[0] in _NO_ZONES:
            raise ValueError(value)
        return zoneinfo.ZoneInfo(value).key
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError("a time zone by its IANA name, as `Europe/Berlin`") from None


def hex_key(value: str) -> Secret | None:
    if len(value) != 64 or any(char not in "0123456789abcdefABCDEF" for char in value):
        raise ValueError("64 hexadecimal characters, as `openssl rand -hex 32` prints")
    return Secret(value.lower())


def optional_secret(value: str) -> Secret | None:
    return Secret(value)


def database_url(value: str) -> Secret | None:
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("an address of PostgreSQL, as `postgresql://user:password@host:port/database`")
    return Secret(value)


def level(value: str) -> EnforcementLevel:
    try:
        return EnforcementLevel(value)
    except ValueError:
        raise ValueError("`full_enforce`, `soft_enforce` or `monitor`") from None


def choice(*words: str) -> Callable[[str], str]:
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
    """A company's proxy that stands between ours and the world; `credential` is `user:password`, `secure` whether it is
    spoken to in TLS."""

    host: str
    port: int
    credential: Secret | None = None
    secure: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"


def parse_upstream_proxy(value: str) -> UpstreamProxy | None:
    """`http://[user:password@]host:port`, or the same with https."""
    parts = urlsplit(value)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme not in ("http", "https") or not host or not port or parts.path not in ("", "/") or parts.query:
        raise ValueError("`http://[user:password@]host:port`, or the same with https")
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return UpstreamProxy(host, port, Secret(pair) if parts.username else None, parts.scheme == "https")
