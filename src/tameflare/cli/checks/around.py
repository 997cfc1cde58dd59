"""What surrounds the user: project, log-in, server and proxy. Each is asked once and remembered for all checks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final

import httpx

from tameflare.cli import outer_tls, project
from tameflare.cli.client import Api, connect, is_loopback, items, segment, server_url
from tameflare.cli.errors import NotLoggedIn, Unreachable
from tameflare.cli.project import Project
from tameflare.cli.session import Run, Session
from tameflare.core.errors import TameFlareError
from tameflare.settings import Settings

_SECONDS: Final = 5


class Around:
    """Properties raise TameFlareError where something is in the way of knowing."""

    def __init__(self, settings: Settings, variables: Mapping[str, str]) -> None:
        self.settings = settings
        self.variables = variables

    @cached_property
    def project(self) -> Project | None:
        return project.load(self.settings)

    @cached_property
    def server_url(self) -> str:
        return server_url(self.settings).rstrip("/")

    @cached_property
    def proxy_url(self) -> str:
        return self._proxy_place[0]

    @cached_property
    def _proxy_place(self) -> tuple[str, str]:
        return project.proxy_place(self.settings)

    @cached_property
    def server(self) -> httpx.Response | None:
        """What the server says of its health to anybody; None where nothing answers."""
        return _get(f"{self.server_url}/api/health")

    @cached_property
    def proxy(self) -> httpx.Response | None:
        """What the proxy says of its health; None where nothing answers. Raises NotTrusted or TlsNeeded."""
        return self.page("/health")

    def page(self, path: str) -> httpx.Response | None:
        """One of the proxy's own pages."""
        try:
            return outer_tls.get(*self._proxy_place, path)
        except Unreachable:
            return None

    @cached_property
    def run(self) -> Run | None:
        """What `tf run` would be told; None without a project, or where no proxy is."""
        here = self.project
        if here is None or not is_health(self.proxy):
            return None
        session = Session(here.proxy, here.token, here.authority)
        try:
            return session.open(None, "tf doctor")
        finally:
            session.close()

    @cached_property
    def details(self) -> dict[str, Any]:
        """The server's health as those who are logged in see it; empty for others."""
        with self._api() as api:
            told = api.get("/api/health") if api else {}
        return told if isinstance(told, dict) and "version" in told else {}

    @cached_property
    def gateways(self) -> list[dict[str, Any]]:
        """The gateways that the log-in sees. Raises NotLoggedIn where the token is refused."""
        with self._api() as api:
            return items(api.get("/api/dashboard/gateways")) if api else []

    @cached_property
    def gateway(self) -> dict[str, Any] | None:
        """The project's gateway as the server has it."""
        name = self.project.gateway if self.project else ""
        return next((gateway for gateway in self.gateways if gateway["name"] == name), None)

    @cached_property
    def agents(self) -> list[dict[str, Any]]:
        return self._of_gateway("agents")

    @cached_property
    def connectors(self) -> list[dict[str, Any]]:
        return self._of_gateway("connectors")

    @cached_property
    def switches(self) -> list[dict[str, Any]]:
        """Thrown kill switches of the control plane."""
        with self._api() as api:
            found = api.get("/api/dashboard/kill-switch").get("switches") if api else []
        return list(found)

    def _of_gateway(self, what: str) -> list[dict[str, Any]]:
        if self.gateway is None:
            return []
        with self._api() as api:
            return items(api.get(f"/api/dashboard/gateways/{segment(self.gateway['name'])}/{what}")) if api else []

    @contextlib.contextmanager
    def _api(self) -> Iterator[Api | None]:
        """The API, or None where nobody is logged in or no server answers: other checks say so."""
        if not is_health(self.server):
            yield None
            return
        try:
            api = connect()
        except NotLoggedIn:
            yield None
            return
        with api:
            yield api


def _get(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, timeout=_SECONDS, trust_env=not is_loopback(url))
    except (httpx.HTTPError, httpx.InvalidURL):
        return None


def is_health(answer: httpx.Response | None) -> bool:
    return answer is not None and bool(told(answer).get("status"))


def told(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty where it is none."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def quietly(around: Around, name: str) -> Any:
    """A property, or None where it cannot be known: for checks that another check's fault keeps from looking."""
    try:
        return getattr(around, name)
    except TameFlareError:
        return None
