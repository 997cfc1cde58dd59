"""Who may call what: one entry for every route of the server, and what each kind of caller must be answered.

A new route needs an entry here; a route that is gone must go from here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tameflare.core.roles import Role, Scope, at_least
from tameflare.link.tokens import TokenKind


class Kind(Enum):
    """What a caller shows."""

    NOTHING = auto()
    FAULTY = auto()
    """Something that is no valid credential: malformed, unknown, expired, revoked, of a suspended person."""
    PERSONAL = auto()
    LINK = auto()
    AGENT = auto()
    STOPPED_AGENT = auto()
    """A valid key of an agent that was suspended: it is told so."""
    PROXY = auto()
    RUN = auto()
    SESSION = auto()
    """The cookie of a browser, without the token of a form."""
    SESSION_AS_BEARER = auto()
    DECISION = auto()
    """The signed token of a decision, sent as if it were a key."""


@dataclass(frozen=True)
class Caller:
    """`role` and `scopes` of a person; `headers` are what is sent."""

    name: str
    kind: Kind
    headers: tuple[tuple[str, str], ...] = ()
    role: Role | None = None
    scopes: frozenset[Scope] = frozenset()

    @property
    def shows_token(self) -> bool:
        """Whether what is sent looks like a token of ours, whatever it is worth."""
        given = dict(self.headers).get("Authorization", "").rpartition(" ")[2]
        return given.startswith(tuple(TokenKind))


class Verdict(Enum):
    IN = "let in"
    UNKNOWN = "401"
    FORBIDDEN = "403"
    LOG_IN = "led to the log-in page"


class Access(ABC):
    """Who may call a route."""

    @abstractmethod
    def verdict(self, caller: Caller) -> Verdict:
        """What the caller must be answered."""


@dataclass(frozen=True)
class Person(Access):
    """A personal access token with the scope, of somebody with the role."""

    scope: Scope
    role: Role

    def verdict(self, caller: Caller) -> Verdict:
        if caller.kind is not Kind.PERSONAL:
            return Verdict.UNKNOWN
        assert caller.role is not None
        fits = at_least(caller.role, self.role) and self.scope in caller.scopes
        return Verdict.IN if fits else Verdict.FORBIDDEN


@dataclass(frozen=True)
class Only(Access):
    """One kind of credential and no other."""

    kind: Kind

    def verdict(self, caller: Caller) -> Verdict:
        return Verdict.IN if caller.kind is self.kind else Verdict.UNKNOWN


class Nobody(Access):
    """No credential at all."""

    def verdict(self, caller: Caller) -> Verdict:
        return Verdict.UNKNOWN


@dataclass(frozen=True)
class AgentOr(Access):
    """An agent's key, or what somebody else may show."""

    other: Access

    def verdict(self, caller: Caller) -> Verdict:
        known = {Kind.AGENT: Verdict.IN, Kind.STOPPED_AGENT: Verdict.FORBIDDEN}
        return known.get(caller.kind) or self.other.verdict(caller)


class Everybody(Access):
    """Nobody is asked."""

    def verdict(self, caller: Caller) -> Verdict:
        return Verdict.IN


class EverybodyOrPerson(Access):
    """Open, but what is shown must be a personal access token."""

    def verdict(self, caller: Caller) -> Verdict:
        shows_nothing = caller.kind in {Kind.NOTHING, Kind.SESSION}
        return Verdict.IN if shows_nothing or caller.kind is Kind.PERSONAL else Verdict.UNKNOWN


class Page(Access):
    """The dashboard: by session; a token of ours is refused, and everybody else is led to the log-in."""

    def verdict(self, caller: Caller) -> Verdict:
        if caller.kind is Kind.SESSION:
            return Verdict.IN
        return Verdict.UNKNOWN if caller.shows_token else Verdict.LOG_IN


class Form(Access):
    """A form of the dashboard: without the token that stands in it even a session does not get in."""

    def verdict(self, caller: Caller) -> Verdict:
        return Verdict.FORBIDDEN if caller.kind is Kind.SESSION else Verdict.UNKNOWN


class StrangersPage(Access):
    """Log-in and registration: for everybody but tokens."""

    def verdict(self, caller: Caller) -> Verdict:
        return Verdict.UNKNOWN if caller.shows_token else Verdict.IN


class StrangersForm(Access):
    """Their forms: nobody gets in without the token of the form."""

    def verdict(self, caller: Caller) -> Verdict:
        return Verdict.FORBIDDEN


READER: Final = Person(Scope.READ, Role.VIEWER)
SECRETS: Final = Person(Scope.READ, Role.ADMIN)
MANAGER: Final = Person(Scope.MANAGE, Role.ADMIN)
ONESELF: Final = Person(Scope.MANAGE, Role.VIEWER)
APPROVER: Final = Person(Scope.APPROVE, Role.MEMBER)
THROWER: Final = Person(Scope.KILL_SWITCH, Role.OWNER)
LINK: Final = Only(Kind.LINK)
NOBODY: Final = Nobody()
AGENT: Final = AgentOr(NOBODY)
OPEN: Final = Everybody()
PAGE: Final = Page()
FORM: Final = Form()

_GATEWAY: Final = "/api/dashboard/gateways/{gateway}"
_CONNECTOR: Final = f"{_GATEWAY}/connectors/{{connector}}"
_POLICIES: Final = "/api/dashboard/policies"

ACCESS: Final[dict[str, Access]] = {
    "GET /api/health": EverybodyOrPerson(),
    "GET /api/openapi.json": OPEN,
    "GET /api/docs": OPEN,
    "POST /api/dashboard/register": OPEN,
    "POST /api/dashboard/login": OPEN,
    "GET /api/dashboard/me": READER,
    "GET /api/dashboard/users": SECRETS,
    "POST /api/dashboard/users": MANAGER,
    "PATCH /api/dashboard/users/{user}": MANAGER,
    "GET /api/dashboard/groups": READER,
    "POST /api/dashboard/groups": MANAGER,
    "DELETE /api/dashboard/groups/{group}": MANAGER,
    "GET /api/dashboard/groups/{group}/members": SECRETS,
    "PUT /api/dashboard/groups/{group}/members/{user}": MANAGER,
    "DELETE /api/dashboard/groups/{group}/members/{user}": MANAGER,
    "GET /api/dashboard/tokens": READER,
    "POST /api/dashboard/tokens": ONESELF,
    "DELETE /api/dashboard/tokens/{token_id}": READER,
    "GET /api/dashboard/gateways": READER,
    "POST /api/dashboard/gateways": MANAGER,
    f"GET {_GATEWAY}": READER,
    f"PATCH {_GATEWAY}": MANAGER,
    f"DELETE {_GATEWAY}": MANAGER,
    f"GET {_GATEWAY}/tokens": READER,
    f"POST {_GATEWAY}/tokens": MANAGER,
    f"DELETE {_GATEWAY}/tokens/{{token_id}}": MANAGER,
    f"GET {_GATEWAY}/agents": READER,
    f"POST {_GATEWAY}/agents": MANAGER,
    f"PATCH {_GATEWAY}/agents/{{agent}}": MANAGER,
    f"DELETE {_GATEWAY}/agents/{{agent}}": MANAGER,
    f"GET {_GATEWAY}/agents/{{agent}}/keys": READER,
    f"POST {_GATEWAY}/agents/{{agent}}/keys": MANAGER,
    f"DELETE {_GATEWAY}/agents/{{agent}}/keys/{{key_id}}": MANAGER,
    f"GET {_GATEWAY}/connectors": READER,
    f"POST {_GATEWAY}/connectors": MANAGER,
    f"GET {_CONNECTOR}": READER,
    f"PATCH {_CONNECTOR}": MANAGER,
    f"DELETE {_CONNECTOR}": MANAGER,
    f"GET {_CONNECTOR}/credential": SECRETS,
    f"PUT {_CONNECTOR}/credential": MANAGER,
    f"DELETE {_CONNECTOR}/credential": MANAGER,
    f"GET {_GATEWAY}/rules": READER,
    f"PUT {_GATEWAY}/rules": MANAGER,
    f"POST {_GATEWAY}/rules": MANAGER,
    f"POST {_GATEWAY}/rules/preset": MANAGER,
    f"DELETE {_GATEWAY}/rules/{{rule_id}}": MANAGER,
    f"GET {_POLICIES}": READER,
    f"POST {_POLICIES}/apply": MANAGER,
    f"POST {_POLICIES}/validate": READER,
    f"POST {_POLICIES}/evaluate": READER,
    f"POST {_POLICIES}/replay": READER,
    f"GET {_POLICIES}/{{name}}": READER,
    f"PUT {_POLICIES}/{{name}}": MANAGER,
    f"PATCH {_POLICIES}/{{name}}": MANAGER,
    f"DELETE {_POLICIES}/{{name}}": MANAGER,
    f"GET {_POLICIES}/{{name}}/versions": READER,
    f"GET {_POLICIES}/{{name}}/versions/{{number}}": READER,
    f"GET {_POLICIES}/{{name}}/diff": READER,
    f"POST {_POLICIES}/{{name}}/restore": MANAGER,
    "GET /api/dashboard/approvals": READER,
    "GET /api/dashboard/approvals/changes": READER,
    "GET /api/dashboard/approvals/remembered": READER,
    "DELETE /api/dashboard/approvals/remembered/{remembered}": APPROVER,
    "GET /api/dashboard/approvals/{approval}": READER,
    "POST /api/dashboard/approvals/{approval}/votes": APPROVER,
    "GET /api/dashboard/proxies": READER,
    "POST /api/dashboard/proxies": MANAGER,
    "POST /api/dashboard/proxies/{proxy}/rotate": MANAGER,
    "DELETE /api/dashboard/proxies/{proxy}": MANAGER,
    "GET /api/dashboard/kill-switch": READER,
    "POST /api/v1/kill-switch": THROWER,
    "GET /api/dashboard/catalog": READER,
    "GET /api/dashboard/actions": READER,
    "GET /api/dashboard/traffic": READER,
    "GET /api/dashboard/traffic/tail": READER,
    "GET /api/dashboard/signing-keys": READER,
    "POST /api/dashboard/signing-keys/rotate": MANAGER,
    "POST /api/v1/actions": AGENT,
    "GET /api/v1/actions": AGENT,
    "GET /api/v1/actions/{action}": AGENT,
    "POST /api/v1/actions/dry-run": AGENT,
    "POST /api/v1/actions/{action}/execute": AGENT,
    "POST /api/v1/tokens/verify": AgentOr(Person(Scope.VERIFY, Role.MEMBER)),
    "GET /api/v1/traffic": AGENT,
    "POST /access/v1/evaluation": AGENT,
    "GET /.well-known/authzen-configuration": OPEN,
    "GET /.well-known/jwks.json": OPEN,
    "GET /api/link/feed": LINK,
    "POST /api/link/records": LINK,
    "POST /api/link/approvals": LINK,
    "POST /api/link/totals": LINK,
    "POST /api/link/approvals/{approval}/consume": LINK,
    "POST /api/link/approvals/{approval}/leave": LINK,
    "GET /api/link/executions/{execution}": LINK,
    "POST /api/link/executions/{execution}/claim": LINK,
    "POST /api/link/executions/{execution}/outcome": LINK,
    "GET /": OPEN,
    "GET /dashboard/static/{mark}/{name}": OPEN,
    "GET /login": StrangersPage(),
    "POST /login": StrangersForm(),
    "GET /register": StrangersPage(),
    "POST /register": StrangersForm(),
    "GET /dashboard": PAGE,
    "GET /dashboard/approvals": PAGE,
    "GET /dashboard/approvals/{approval}": PAGE,
    "GET /dashboard/traffic": PAGE,
    "GET /dashboard/traffic/{request_id}": PAGE,
    "GET /dashboard/kill-switch": PAGE,
    "GET /dashboard/events": PAGE,
    "GET /dashboard/{path:path}": PAGE,
    "POST /dashboard/logout": FORM,
    "POST /dashboard/approvals/{approval}/votes": FORM,
    "POST /dashboard/approvals/remembered/{memory}/forget": FORM,
    "POST /dashboard/kill-switch/throw": FORM,
    "POST /dashboard/kill-switch/release": FORM,
}
