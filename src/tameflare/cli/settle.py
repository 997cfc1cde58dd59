"""After a change: wait until the proxy works by it, so that the next command of a script finds it in force."""

from __future__ import annotations

import time
from typing import Final

from tameflare.cli import outer_tls, project
from tameflare.cli.client import Api
from tameflare.cli.output import note
from tameflare.core.errors import TameFlareError
from tameflare.settings import Settings

_SECONDS: Final = 3.0
_BETWEEN: Final = 0.05


def settle(api: Api, proxy: tuple[str, str] | None = None) -> None:
    """Wait at most three seconds for the proxy (its URL and authority; default: the project's) to reach the server's
    version.

    A proxy that cannot be reached from here is not waited for.
    """
    place = proxy or project.proxy_place(Settings())
    wanted = api.get("/api/health").get("version")
    deadline = time.monotonic() + _SECONDS
    with outer_tls.Pages(*place) as pages:
        while isinstance(wanted, int) and (reached := _version(pages)) is not None and reached < wanted:
            if time.monotonic() > deadline:
                note("stored, but the proxy does not work by it yet; see `tf status`")
                return
            time.sleep(_BETWEEN)


def _version(pages: outer_tls.Pages) -> int | None:
    """The configuration that the proxy works by; None where it does not say."""
    try:
        version = pages.get("/health").json()["configuration"]["version"]
    except (TameFlareError, ValueError, KeyError, TypeError):
        return None
    return version if isinstance(version, int) else None
