"""Who sends: from `Proxy-Authorization` to a gateway and an agent, checked from memory at every request."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

import structlog

from tameflare.core.compile import CompiledAgent
from tameflare.core.config import DEFAULT_AGENT, ProxyToken
from tameflare.link.tokens import TokenKind, digest
from tameflare.proxy.routing import Served, ServedGateway
from tameflare.proxy.runs import Run, Runs

log = structlog.get_logger(__name__)

_REMEMBERED = 4096
_LONGEST_REMEMBERED = 1024


class Identity:
    """A gateway and one of its agents at one version. `token` is the id of the proxy token that proved it, also where
    a run began with it; `expires_at` in Unix seconds, 0 for never."""

    __slots__ = ("agent", "expires_at", "gateway", "run", "served", "token")

    def __init__(
        self, served: Served, gateway: ServedGateway, agent: CompiledAgent, run: Run | None, token: ProxyToken
    ) -> None:
        self.served = served
        self.gateway = gateway
        self.agent = agent
        self.run = run
        self.token = token.id
        self.expires_at = token.expires_at or 0

    def is_valid(self, served: Served, now: float) -> bool:
        """Whether this still holds: same configuration, run alive, token not expired, agent active."""
        return (
            self.served is served
            and (self.run is None or self.run.alive)
            and (not self.expires_at or now < self.expires_at)
            and self.agent.active
        )


class Authenticator:
    """Reads `Proxy-Authorization` values; remembers what they meant for the version being served."""

    def __init__(self, runs: Runs, clock: Callable[[], float]) -> None:
        self._runs = runs
        self._clock = clock
        self._served: Served | None = None
        self._known: dict[bytes, Identity] = {}

    def identify(self, served: Served, header: bytes | None) -> Identity | None:
        """The identity behind a header, or None where it proves nothing."""
        if header is None:
            return None
        if served is not self._served:
            self._served = served
            self._known.clear()
        known = self._known.get(header)
        if known is not None and known.is_valid(served, self._clock()):
            return known
        found = self._read(served, header)
        if found is None or not found.is_valid(served, self._clock()):
            return None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        if len(header) <= _LONGEST_REMEMBERED:
            self._known[header] = found
        return found

    def gateway_of(self, served: Served, token: str) -> ServedGateway | None:
        """The gateway of a proxy token, for the sessions of `tf run`; a run token opens none."""
        if not token.startswith(TokenKind.PROXY):
            return None
        found = _from_proxy_token(served, token, DEFAULT_AGENT)
        if found is None or not found.is_valid(served, self._clock()):
            return None
        return found.gateway

    def _read(self, served: Served, header: bytes) -> Identity | None:
        pair = basic_pair(header)
        if pair is None:
            return None
        user, password = pair
        token, agent = (password, user) if password else (user, "")
        if token.startswith(TokenKind.RUN):
            return self._from_run(served, token, agent)
        if token.startswith(TokenKind.PROXY):
            return _from_proxy_token(served, token, agent or DEFAULT_AGENT)
        refused = next((kind.name.lower() for kind in TokenKind if token.startswith(kind)), "unknown")
        log.warning("token refused", place="proxy-authorization", kind=refused)
        return None

    def _from_run(self, served: Served, token: str, agent: str) -> Identity | None:
        run = self._runs.find(token)
        if run is None or (agent and agent != run.agent_name):
            return None
        opened_by = served.compiled.by_digest.get(run.opened_by)
        if opened_by is None:
            return None
        gateway = served.gateways.get(run.gateway_id)
        found = gateway.compiled.agents.get(run.agent_name) if gateway is not None else None
        if gateway is None or found is None:
            return None
        return Identity(served, gateway, found, run, opened_by[1])


def _from_proxy_token(served: Served, token: str, agent: str) -> Identity | None:
    entry = served.compiled.by_digest.get(digest(token, served.token_key))
    if entry is None:
        return None
    compiled, stored = entry
    found = compiled.agents.get(agent)
    if found is None:
        return None
    return Identity(served, served.gateways[compiled.id], found, None, stored)


def basic_pair(header: bytes) -> tuple[str, str] | None:
    """User and password of a Basic credential (RFC 7617), or None."""
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon or user else None
