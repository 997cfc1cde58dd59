"""People with a browser: they see pages, and whatever goes wrong on them is noticed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, ConsoleMessage, Page, Request
from tests.control.holding import Plane
from tests.control.records import frames, intent, outcome
from tests.control.running import GATEWAYS, PASSWORD, Running, running

from tameflare.control.services.intake import Batch
from tameflare.core.roles import Role
from tameflare.link.messages import Record

PAGES = (
    "/dashboard",
    "/dashboard/approvals",
    "/dashboard/traffic",
    "/dashboard/traffic/first",
    "/dashboard/kill-switch",
)


class Site:
    """A running control plane whose clock tells the real time, as browsers have it.

    The owner made the gateway and its agent; a member and an admin may answer.
    """

    api: httpx.Client
    admin: httpx.Client
    plane: Plane

    def __init__(self, server: Running) -> None:
        self.server = server
        self._sent = 0
        server.clock.now = time.time()

    @classmethod
    def empty(cls, server: Running) -> Site:
        """Nobody has registered."""
        return cls(server)

    @classmethod
    def settled(cls, server: Running) -> Site:
        made = cls(server)
        made.api = server.owner()
        server.person(Role.MEMBER)
        made.admin = server.person(Role.ADMIN)
        made.plane = Plane(server, made.api)
        assert made.api.post(f"{GATEWAYS}/main/connectors", json={"type": "github"}).status_code == 201
        made.deliver(made.intent("first"), outcome("first"))
        return made

    @property
    def url(self) -> str:
        return self.server.url

    def intent(self, request_id: str, **changes: Any) -> Record:
        return intent(request_id, time=self.server.clock.now, **changes)

    def deliver(self, *records: Record) -> None:
        """As a proxy delivers records."""
        batch = Batch("e1", self._sent, frames(records))
        with ThreadPoolExecutor(1) as aside:  # Playwright keeps a loop of its own running in this thread
            aside.submit(lambda: asyncio.run(self.server.services.intake.receive("prx_1", batch))).result()
        self._sent += len(records)


@contextmanager
def site(directory: Path) -> Iterator[Site]:
    with running(directory) as server:
        yield Site.settled(server)


@dataclass
class Person:
    """Somebody at a browser window. `troubles` are faults of scripts and of the content policy but for those that hold
    an `expected` text, `strayed` requests to other hosts; both must be empty in the end."""

    page: Page
    site: Site
    troubles: list[str] = field(default_factory=list)
    strayed: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def visiting(cls, chromium: Browser, site: Site, **window: Any) -> Iterator[Person]:
        context = chromium.new_context(base_url=site.url, **{"viewport": {"width": 1200, "height": 800}, **window})
        context.set_default_timeout(20_000)
        person = cls(context.new_page(), site)
        person.page.on("console", person._note)
        person.page.on("pageerror", lambda fault: person.troubles.append(str(fault)))
        person.page.on("request", person._follow)
        try:
            yield person
        finally:
            context.close()
        found = [text for text in person.troubles if not any(known in text for known in person.expected)]
        assert found == [], found
        assert person.strayed == []

    def log_in(self, email: str = "owner@example.com") -> None:
        self.page.goto("/login")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/dashboard")

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(message.text)

    def _follow(self, request: Request) -> None:
        if not request.url.startswith(f"{self.site.url}/"):
            self.strayed.append(request.url)
