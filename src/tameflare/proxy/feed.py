"""The feed from the control plane: one long poll after the other, the newest good snapshot applied and kept on disk.

Whatever goes wrong, the last good configuration stays; `problem` says what, and `age` grows until there is good word
again.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from tameflare.core.config import Configuration
from tameflare.core.errors import TameFlareError
from tameflare.core.secret import Secret
from tameflare.link import messages
from tameflare.link.messages import FEED_PATH, MAX_WAIT_SECONDS, WIRE_VERSION, Bundle, Snapshot
from tameflare.link.seal import bundle_key, open_snapshot
from tameflare.proxy.last_good import LastGood, LastGoodFile
from tameflare.proxy.link_client import answer_problem, check_server_url, client_options

WAIT_SECONDS: Final = MAX_WAIT_SECONDS - 5
FIRST_BACK_OFF: Final = 0.1
LONGEST_BACK_OFF: Final = 2.0
NEVER: Final = float("inf")

OnSnapshot = Callable[[Configuration, Bundle], Awaitable[None] | None]
Handlers = Mapping[type[Any], Callable[[Any], None]]


class FeedFault(TameFlareError):
    """An answer of the control plane that cannot be used."""

    code = "feed_fault"


class _Wire(msgspec.Struct):
    wire: int


class Feed:
    """The proxy's end of the feed. `clock` gives Unix seconds; `handlers` take the messages other than snapshots.

    `on_snapshot` applies a configuration (it may be a coroutine function); if it raises TameFlareError, the version is
    refused and the one before stays. `tick` gives seconds that are never set. `backlog` gives the bytes of records that
    wait, for the list of proxies; `epoch` names the life of this process, by which the control plane learns that an
    earlier one is over. Raises SettingError for a `server` address that must not be used.
    """

    def __init__(
        self,
        server: str,
        token: Secret,
        directory: Path,
        on_snapshot: OnSnapshot,
        clock: Callable[[], float],
        handlers: Handlers | None = None,
        *,
        wait_seconds: float = WAIT_SECONDS,
        backlog: Callable[[], int] = lambda: 0,
        epoch: str = "",
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = check_server_url(server)
        self._token = token
        self._file = LastGoodFile(directory)
        self._on_snapshot = on_snapshot
        self._clock = clock
        self._handlers: Handlers = handlers or {}
        self._wait_seconds = wait_seconds
        self._backlog = backlog
        self._epoch = {"x-tameflare-epoch": epoch} if epoch else {}
        self._cursor = 0
        self._tick = tick
        self._heard_at: float | None = None
        self._heard_tick = 0.0
        self._unsaved: LastGood | None = None
        self.version = 0
        self.proxy_id = ""
        self.problem = "the control plane has not been heard yet"

    def age(self, now: float) -> float:
        """Seconds since the last good word from the control plane; infinite if there never was one.

        By the clock on the wall or by the one that only counts, whichever says more: a clock that was set back makes
        nothing younger, and a machine that slept is not taken for one that listened.
        """
        if self._heard_at is None:
            return NEVER
        return max(0.0, now - self._heard_at, self._tick() - self._heard_tick)

    @property
    def connected(self) -> bool:
        return not self.problem

    async def load(self) -> bool:
        """Apply the last good configuration from the disk; False if there is none that can be used."""
        try:
            found = await asyncio.to_thread(self._file.load)
            if found is None:
                return False
            kept, heard_at = found
            await self._apply(kept.snapshot, kept.proxy)
        except (OSError, msgspec.MsgspecError, TameFlareError) as fault:
            self.problem = f"the configuration kept on disk cannot be used: {fault}"
            return False
        self._heard_at, self._heard_tick = heard_at, self._tick() - max(0.0, self._clock() - heard_at)
        return True

    async def run(self) -> None:
        """Follow the feed until cancelled."""
        back_off = FIRST_BACK_OFF
        async with self._client() as client:
            while True:
                try:
                    await self._poll(client)
                    back_off = FIRST_BACK_OFF
                except (httpx.HTTPError, OSError, msgspec.MsgspecError, TameFlareError) as fault:
                    self.problem = _sentence(fault)
                    await asyncio.sleep(back_off)
                    back_off = min(back_off * 2, LONGEST_BACK_OFF)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(**client_options(self._server, self._token, self._wait_seconds + 10))

    async def _poll(self, client: httpx.AsyncClient) -> None:
        # the first question, and the one after a fault, is answered at once: it tells whether we are up to date
        wait = 0 if self.problem else self._wait_seconds
        answer = await client.get(
            FEED_PATH,
            params={"cursor": str(self._cursor), "wait": f"{wait:g}"},
            headers={"x-tameflare-backlog": str(self._backlog()), **self._epoch},
        )
        if answer.status_code != httpx.codes.OK:
            raise FeedFault(answer_problem(answer.status_code))
        await self._take(_decode(answer.content))

    async def _take(self, feed: messages.Feed) -> None:
        """Everything of one answer. A bad snapshot does not keep the other messages from their handlers; the cursor
        stays, so that all of them come again: handlers see a message at least once."""
        fault: TameFlareError | None = None
        for entry in feed.entries:
            try:
                await self._message(entry.message, feed.proxy)
            except TameFlareError as found:
                fault = found
        if fault is not None:
            raise fault
        self._cursor = feed.cursor
        self._heard_at, self._heard_tick = self._clock(), self._tick()
        await self._keep(self._heard_at)
        self.problem = ""

    async def _message(self, message: messages.Message, proxy_id: str) -> None:
        if not isinstance(message, Snapshot):
            handler = self._handlers.get(type(message))
            if handler is not None:
                handler(message)
        elif message.version != self.version:
            await self._apply(message, proxy_id)
            self._unsaved = LastGood(proxy_id, message)

    async def _keep(self, heard_at: float) -> None:
        """Raises OSError where the disk does not take it; what was not kept is tried again with the next answer."""
        if self._unsaved is not None:
            await asyncio.to_thread(self._file.store, self._unsaved, heard_at)
            self._unsaved = None
        elif self.version:
            await asyncio.to_thread(self._file.touch, heard_at)

    async def _apply(self, snapshot: Snapshot, proxy_id: str) -> None:
        if snapshot.version < self.version:
            raise FeedFault(
                f"the control plane offers configuration {snapshot.version}, this proxy has {self.version}",
                "an older one is never applied",
            )
        configuration, bundle = await asyncio.to_thread(self._open, snapshot, proxy_id)
        applied = self._on_snapshot(configuration, bundle)
        if inspect.isawaitable(applied):
            await applied
        self.version = snapshot.version
        self.proxy_id = proxy_id

    def _open(self, snapshot: Snapshot, proxy_id: str) -> tuple[Configuration, Bundle]:
        return open_snapshot(snapshot, bundle_key(self._token.reveal(), proxy_id), proxy_id)


def _decode(body: bytes) -> messages.Feed:
    """Raises FeedFault for a newer wire version, msgspec.MsgspecError for what is no feed."""
    wire = msgspec.json.decode(body, type=_Wire).wire
    if wire > WIRE_VERSION:
        raise FeedFault(
            f"the control plane speaks wire version {wire}, this proxy understands {WIRE_VERSION}", "upgrade this proxy"
        )
    return msgspec.json.decode(body, type=messages.Feed)


def _sentence(fault: Exception) -> str:
    if isinstance(fault, TameFlareError):
        return str(fault)
    if isinstance(fault, msgspec.MsgspecError):
        return "the control plane's answer cannot be read"
    if isinstance(fault, httpx.TimeoutException):
        return "the control plane does not answer in time"
    if isinstance(fault, httpx.HTTPError):
        return "the control plane cannot be reached"
    return f"the configuration cannot be kept on disk: {fault}"
