"""Tells the person at the terminal that a request of the command waits for people; else nothing seems to happen."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, Final

from tameflare.cli.output import note
from tameflare.core.errors import TameFlareError

_PAUSE_SECONDS: Final = 1.0
_MOST: Final = 200


@contextlib.contextmanager
def told(run: str, connector: str) -> Iterator[None]:
    """While this lasts, look for an approval that a request of the run waits for, and say so once on stderr."""
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(run, connector, ended), name="held", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()


def _watch(run: str, connector: str, ended: threading.Event) -> None:
    from tameflare.cli.client import connect

    with contextlib.suppress(TameFlareError), connect() as api:  # who may not look is told by the answer alone
        while not ended.wait(_PAUSE_SECONDS):
            found = _of(api.get("/api/dashboard/approvals", status="pending", limit=_MOST)["approvals"], run, connector)
            if found:
                note(f"the request waits for an approval; `tf approvals approve {found}` lets it go on")
                return


def _of(approvals: list[dict[str, Any]], run: str, connector: str) -> str:
    """The id of the run's; else of one through the connector that somebody waits for, which the request has joined."""
    waited_for = [approval for approval in approvals if approval["waiting"] and approval["connector"] == connector]
    own = [approval for approval in waited_for if approval["run"] == run]
    return next((approval["id"] for approval in own or waited_for), "")
