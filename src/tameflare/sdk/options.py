"""How a client is set up: by arguments, else by the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from tameflare.sdk.errors import ConfigurationError
from tameflare.sdk.secret import Secret

DEFAULT_URL: Final = "http://127.0.0.1:3000"
DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_RETRIES: Final = 3
URL_VARIABLE: Final = "TF_SERVER_URL"
KEY_VARIABLE: Final = "TF_AGENT_KEY"


@dataclass(frozen=True, slots=True)
class Options:
    """`timeout` in seconds for each try; `max_retries` tries after the first."""

    server_url: str
    key: Secret
    timeout: float = DEFAULT_TIMEOUT
    max_retries: int = DEFAULT_RETRIES
    ca_file: str | None = None


def options(
    key: str | None,
    server_url: str | None,
    timeout: float,
    max_retries: int,
    ca_file: str | None,
    allow_http: bool,
    environment: Mapping[str, str] | None = None,
) -> Options:
    """Raises ConfigurationError with what to set."""
    found = os.environ if environment is None else environment
    secret = (key if key is not None else found.get(KEY_VARIABLE, "")).strip()
    if not secret:
        raise ConfigurationError("there is no agent key", help=f"set {KEY_VARIABLE}, or give `key`")
    if not secret.isascii() or any(character.isspace() for character in secret):
        raise ConfigurationError("the agent key holds characters that no key has", help=f"look at {KEY_VARIABLE}")
    if timeout <= 0 or max_retries < 0:
        raise ConfigurationError("`timeout` must be above 0, and `max_retries` not below")
    url = (server_url or found.get(URL_VARIABLE) or DEFAULT_URL).rstrip("/")
    _check(url, allow_http)
    return Options(url, Secret(secret), timeout, max_retries, ca_file)


def _check(url: str, allow_http: bool) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError("the server's address is no http or https URL", help=f"look at {URL_VARIABLE}")
    if parts.username or parts.password:
        raise ConfigurationError("the server's address must hold no password", help=f"look at {URL_VARIABLE}")
    if parts.scheme == "http" and not allow_http and not _is_loopback(parts.hostname):
        raise ConfigurationError(
            f"`{parts.hostname}` is another machine, and by plain http everybody on the way reads the key",
            help="use https, or say `allow_http=True` where the network is your own",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
