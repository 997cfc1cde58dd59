"""One caller for each kind of credential that somebody may try at a route; real ones wherever the server makes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import httpx
from sqlalchemy import update
from tests.control.access_table import Caller, Kind
from tests.control.running import GATEWAYS, Running

from tameflare.control.store import users
from tameflare.control.store.actions_schema import agent_keys
from tameflare.control.store.users import User, UserStatus
from tameflare.core.roles import Role, Scope
from tameflare.proxy.runs import Runs

_EVERYTHING: Final = frozenset(Scope)
_MALFORMED: Final = {
    "no token": "Bearer",
    "no scheme": "tfu_0123456789",
    "another scheme": "Basic dGZ1X2E6Yg==",
    "an unknown word": "Bearer let-me-in",
    "a made-up personal token": "Bearer tfu_" + "A" * 43,
    "a made-up agent key": "Bearer tf_live_" + "A" * 48,
    "a made-up link token": "Bearer gwln_" + "A" * 43,
    "a long token": "Bearer tfu_" + "x" * 5000,
    "two tokens": "Bearer tfu_a tfu_b",
}

_POLICY: Final = """
name: matrix
rules:
  - name: everything
    decision: allow
"""


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("Authorization", f"Bearer {token}"),)


class Cast:
    """Everybody who calls. Makes the gateway `matrix` and people of every role; the server must have its owner."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self._services = server.services

    def everybody(self) -> Iterator[Caller]:
        yield Caller("nobody", Kind.NOTHING)
        for name, value in _MALFORMED.items():
            yield Caller(name, Kind.FAULTY, (("Authorization", value),))
        yield from self._people()
        yield from self._invalid_people()
        yield from self._others()
        yield from self._agents()

    def _people(self) -> Iterator[Caller]:
        """Every role with each scope alone."""
        for role in Role:
            person = self._person(role)
            for scope in Scope:
                token = self._token(person, {scope})
                yield Caller(f"{role} with {scope}", Kind.PERSONAL, bearer(token), role, frozenset({scope}))

    def _invalid_people(self) -> Iterator[Caller]:
        owner = self._person(Role.OWNER)
        yield Caller("an owner's revoked token", Kind.FAULTY, bearer(self._revoked(owner)))
        yield Caller("an owner's expired token", Kind.FAULTY, bearer(self._token(owner, days=0)))
        suspended = self._person(Role.OWNER, UserStatus.SUSPENDED)
        yield Caller("a suspended owner", Kind.FAULTY, bearer(self._token(suspended)))

    def _others(self) -> Iterator[Caller]:
        """What opens other places: tokens of proxies, runs and links, and a browser's session."""
        owner = self._person(Role.OWNER)
        client = self._server.client(self._token(owner))
        gateway = client.post(GATEWAYS, json={"name": "matrix"}).json()["id"]
        run, _ = Runs(b"k" * 32, self._server.clock).start(gateway, "default")
        session = self._server.call(self._services.sessions.begin(owner))
        proxy = client.post(f"{GATEWAYS}/matrix/tokens", json={}).json()["token"]
        link = client.post("/api/dashboard/proxies", json={"name": "matrix"}).json()["token"]
        yield Caller("a proxy token", Kind.PROXY, bearer(proxy))
        yield Caller("a run token", Kind.RUN, bearer(run))
        yield Caller("a link token", Kind.LINK, bearer(link))
        yield Caller("an owner's session", Kind.SESSION, (("Cookie", f"tameflare_session={session}"),))
        yield Caller("an owner's session as bearer", Kind.SESSION_AS_BEARER, bearer(session))

    def _agents(self) -> Iterator[Caller]:
        """Keys of agents in every state, and the token of a decision that one of them got."""
        client = self._server.client(self._token(self._person(Role.OWNER)))
        agents = f"{GATEWAYS}/matrix/agents"
        live = self._key(client, "default")
        yield Caller("a live key", Kind.AGENT, bearer(live))
        yield Caller("a test key", Kind.AGENT, bearer(self._key(client, "default", kind="test")))
        revoked = client.post(f"{agents}/default/keys", json={}).json()
        assert client.delete(f"{agents}/default/keys/{revoked['id']}").status_code == 204
        yield Caller("a revoked key", Kind.FAULTY, bearer(revoked["key"]))
        yield Caller("an expired key", Kind.FAULTY, bearer(self._expired(client)))
        yield Caller("a key with a wrong end", Kind.FAULTY, bearer(live[:-1] + ("A" if live[-1] != "A" else "B")))
        stopped = self._agent(client, "stopped")
        assert client.patch(f"{agents}/stopped", json={"status": "suspended"}).status_code == 200
        yield Caller("a key of a suspended agent", Kind.STOPPED_AGENT, bearer(stopped))
        gone = self._agent(client, "gone")
        assert client.delete(f"{agents}/gone").status_code == 204
        yield Caller("a key of a deleted agent", Kind.FAULTY, bearer(gone))
        yield Caller("a decision token", Kind.DECISION, bearer(self._decision_token(live)))

    def _agent(self, client: httpx.Client, name: str) -> str:
        """A further agent; its key."""
        assert client.post(f"{GATEWAYS}/matrix/agents", json={"name": name}).status_code == 201
        return self._key(client, name)

    def _key(self, client: httpx.Client, agent: str, **more: object) -> str:
        made = client.post(f"{GATEWAYS}/matrix/agents/{agent}/keys", json=more)
        assert made.status_code == 201, made.text
        return str(made.json()["key"])

    def _expired(self, client: httpx.Client) -> str:
        made = client.post(f"{GATEWAYS}/matrix/agents/default/keys", json={"expires_in_days": 1}).json()
        past = update(agent_keys).where(agent_keys.c.id == made["id"]).values(expires_at=int(self._server.clock()))
        self._services.database.write_now(lambda connection: connection.execute(past).close())
        return str(made["key"])

    def _decision_token(self, key: str) -> str:
        owner = self._server.client(self._token(self._person(Role.OWNER)))
        assert owner.patch(f"{GATEWAYS}/matrix", json={"policy_only": True}).status_code == 200
        saved = owner.put("/api/dashboard/policies/matrix", json={"source": _POLICY})
        assert saved.status_code in {200, 201}, saved.text
        asked = self._server.client(key).post("/api/v1/actions", json={"type": "email.send"})
        assert asked.json()["status"] == "allowed", asked.text
        return str(asked.json()["decision_token"])

    def _person(self, role: Role, status: UserStatus = UserStatus.ACTIVE) -> User:
        """Somebody who never logs in, so that no password has to be hashed."""
        user_id = self._services.context.new_id("usr")
        user = User(
            user_id, role.title(), f"{user_id}@example.com", role, "no password", int(self._server.clock()), status
        )
        self._services.database.write_now(lambda connection: users.add(connection, user))
        return user

    def _token(self, user: User, scopes: Iterable[Scope] = _EVERYTHING, days: int = 90) -> str:
        secret, _ = self._server.call(self._services.tokens.make(user, "matrix", list(scopes), days))
        return secret

    def _revoked(self, user: User) -> str:
        secret = self._token(user)
        client = self._server.client(secret)
        own = client.get("/api/dashboard/me").json()["token"]["id"]
        assert client.delete(f"/api/dashboard/tokens/{own}").status_code == 204
        return secret
