"""The token by which this proxy knows itself to its server."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from tameflare import settings as names
from tameflare.core.errors import SettingError
from tameflare.core.secret import Secret
from tameflare.settings import Settings

WAIT_SECONDS: Final = 30.0
LOOK_AGAIN_SECONDS: Final = 0.05


async def link_token(settings: Settings, directory: Path) -> Secret:
    """The token of TF_LINK_TOKEN, or the one that the server of `tf up` leaves in `directory`. Raises SettingError."""
    given = settings.get(names.LINK_TOKEN)
    if given is not None:
        return given
    path = directory / "link.token"
    give_up = time.monotonic() + WAIT_SECONDS
    while not path.exists():
        if time.monotonic() > give_up:
            raise SettingError(
                f"no link token: TF_LINK_TOKEN is unset and `{path}` is missing",
                "run `tf up`, or make a proxy's token on the control plane",
            )
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return Secret(path.read_text().strip())
