"""How a proxy reaches the control plane: https unless loopback, never through a proxy of the environment."""

from __future__ import annotations

import ssl
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tameflare.core.addresses import is_loopback
from tameflare.core.errors import SettingError
from tameflare.core.secret import Secret

CONNECT_SECONDS: Final = 5.0


def check_server_url(url: str) -> str:
    """The URL without a slash at its end. Raises SettingError for what cannot be used or would tell others secrets."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingError(
            f"TF_SERVER_URL `{url}` is no http or https address", "set it like https://tameflare.example"
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingError(f"TF_SERVER_URL `{url}` is not encrypted", "use https, or a loopback address")
    return url.rstrip("/")


def client_options(server: str, token: Secret, answer_seconds: float) -> dict[str, Any]:
    """What an httpx client of the link is made with: the system's trust for https, and no proxy of the environment."""
    return {
        "base_url": server,
        "headers": {"authorization": f"Bearer {token.reveal()}", "accept": "application/json"},
        "timeout": httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS),
        "trust_env": False,
        "verify": ssl.create_default_context() if server.startswith("https:") else False,
    }


def answer_problem(status: int) -> str:
    """A sentence for an answer that is not 200."""
    if status in (401, 403):
        return "the control plane refuses this proxy's link token"
    return f"the control plane answered {status}"
