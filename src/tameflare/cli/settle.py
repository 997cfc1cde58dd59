"""After a change: wait until the proxy works by it, so that the next command of a script finds it in force."""

from __future__ import annotations

import time
from typing import Final

import httpx

from tameflare.cli import project
from tameflare.cli.client import Api, is_loopback
from tameflare.cli.output import note
from tameflare.settings import Settings

_SECONDS: Final = 3.0
_BETWEEN: Final = 0.05


def settle(api: Api, proxy: str | None = None) -> None:
    """Wait at most three seconds for the proxy (default: the project's) to reach the server's version.

    A proxy that cannot be reached from here is not waited for.
    """
    url = proxy or project.proxy_url(Settings())
    wanted = api.get("/api/health").get("version")
    deadline = time.monotonic() + _SECONDS
    with httpx.Client(timeout=_SECONDS, trust_env=not is_loopback(url)) as client:
        while isinstance(wanted, int) and (reached := _version(client, url)) is not None and reached < wanted:
            if time.monotonic() > deadline:
                note("stored, but the proxy does not work by it yet; see `tf status`")
                return
            time.sleep(_BETWEEN)


def _version(client: httpx.Client, url: str) -> int | None:
    """The configuration that the proxy works by; None where it does not say."""
    try:
        version = client.get(f"{url}/health").json()["configuration"]["version"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        return None
    return version if isinstance(version, int) else None
