"""The control plane of the model made of the real services on a real SQLite database."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from tests.model.control import AGENTS, AGENTS_OWNER, GROUPS, PEOPLE, START

from tameflare.control.services.audit import Actor
from tameflare.control.services.context import Context
from tameflare.control.services.faults import AlreadyAnswered, NotEligible, RoleTooLow
from tameflare.control.store import agents, approvals, feed, gateways, groups, meta, proxies, users
from tameflare.control.store.engine import Connection
from tameflare.control.store.groups import Group
from tameflare.control.store.proxies import Proxy
from tameflare.control.store.users import User, UserStatus
from tameflare.control.wiring import Services
from tameflare.core.approval_states import Approval
from tameflare.core.decision import EnforcementLevel, Verdict
from tameflare.core.voting import Person
from tameflare.link.approvals import Answer, Consume, Leave, Raise
from tameflare.link.messages import ApprovalAnswered
from tameflare.settings import Settings

T = TypeVar("T")
PROXIES = {name: Proxy(name, name, name, True, START) for name in ("prx_0", "prx_1")}
_ACTOR = Actor("usr_owner", "owner")
_message = msgspec.json.Decoder(ApprovalAnswered)


def _fill(connection: Connection) -> None:
    for person in PEOPLE:
        users.add(connection, User(person.id, person.id, f"{person.id}@example.com", person.role, "", START))
    for group in GROUPS:
        groups.add(connection, Group(group, group, START))
    for person in PEOPLE:
        _put_into(connection, person)
    for agent, gateway in AGENTS.items():
        row = gateways.Gateway(gateway, gateway, EnforcementLevel.FULL_ENFORCE, 120, START)
        gateways.add(connection, row)
        made = agents.Agent(agent, agent, gateway_id=gateway, created_at=START, created_by=AGENTS_OWNER)
        agents.add(connection, made)
    for proxy in PROXIES.values():
        proxies.add(connection, proxy, ())
    meta.bump(connection, START)


def _put_into(connection: Connection, person: Person) -> None:
    """The groups that somebody is in, and no other."""
    for group in GROUPS:
        if group in person.groups:
            groups.join(connection, group, person.id, START)
        else:
            groups.leave(connection, group, person.id)


@cache
def _template() -> Path:
    """A directory with a filled database, made once."""
    directory = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, directory)
    services = Services.open(directory, Context(Settings({"TF_MAX_PENDING_APPROVALS": "100", "TF_DENIAL_STANDS": "0"})))
    services.database.write_now(_fill)
    services.close()
    return directory


def _people(connection: Connection) -> list[Person]:
    people = {group: {user.id for user in groups.people_of(connection, group)} for group in GROUPS}
    return [
        Person(
            user.id,
            user.role,
            user.status is UserStatus.ACTIVE,
            tuple(group for group in GROUPS if user.id in people[group]),
        )
        for user in users.listed(connection)
    ]


class Caller:
    """Somebody who votes."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.actor = Actor(user.id, user.name)


class RealControl:
    """Everything is read back from the database, nothing kept here but the clock."""

    def __init__(self) -> None:
        self.now = START
        self.killed: set[str] = set()
        self._drawn = 0
        self._directory = Path(tempfile.mkdtemp())
        shutil.copytree(_template(), self._directory, dirs_exist_ok=True)
        self._runner = asyncio.Runner()
        self._services = self._open()

    def _open(self) -> Services:
        settings = Settings({"TF_MAX_PENDING_APPROVALS": "100", "TF_DENIAL_STANDS": "0"})
        context = Context(settings, clock=lambda: self.now, steady=lambda: self.now, entropy=self._entropy)
        return Services.open(self._directory, context)

    def _entropy(self, size: int) -> bytes:
        """Ids in the order in which they are made, so that an example plays the same again."""
        self._drawn += 1
        return self._drawn.to_bytes(size, "big")

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    @property
    def version(self) -> int:
        return self._services.database.read_now(meta.version).number

    def raise_(self, proxy: str, asked: Raise) -> Answer:
        return self._run(self._services.holds.raise_(PROXIES[proxy], asked))

    def consume(self, proxy: str, approval: str, asked: Consume) -> Answer:
        return self._run(self._services.holds.consume(PROXIES[proxy], approval, asked))

    def leave(self, proxy: str, approval: str, asked: Leave) -> None:
        self._run(self._services.holds.leave(PROXIES[proxy], approval, asked))

    def vote(self, person: str, approval: str, approve: bool) -> None:
        user = self._services.database.read_now(lambda connection: users.by_id(connection, person))
        assert user is not None
        try:
            self._run(self._services.approvals.vote(Caller(user), approval, approve))
        except (AlreadyAnswered, NotEligible, RoleTooLow):
            return  # the model looks at what became of the approval, whatever was said

    def publish(self) -> None:
        self._run(self._services.configuration.change(_ACTOR, "model.changed", lambda connection: None))

    def change(self, person: Person) -> None:
        status = UserStatus.ACTIVE if person.active else UserStatus.SUSPENDED
        values = {"role": person.role.value, "status": status.value}

        def work(connection: Connection) -> None:
            users.change(connection, person.id, values)
            _put_into(connection, person)

        self._services.database.write_now(work)

    def throw(self, agent: str) -> None:
        self._run(self._services.kill_switches.throw(_ACTOR, f"agent:{agent}", "drill"))
        self.killed.add(agent)

    def release(self, agent: str) -> None:
        self._run(self._services.kill_switches.release(_ACTOR, f"agent:{agent}", ""))
        self.killed.discard(agent)

    def pass_time(self, seconds: int) -> None:
        self.now += seconds

    def expire(self) -> None:
        self._run(self._services.holds.expire())

    def restart(self) -> None:
        self._services.close()
        self._services = self._open()

    def people(self) -> list[Person]:
        return self._services.database.read_now(_people)

    def approvals(self) -> dict[str, Approval]:
        found = self._services.database.read_now(lambda connection: approvals.page(connection, None, None, 10_000))
        return {stored.state.id: stored.state for stored in found}

    def told(self, proxy: str) -> set[str]:
        batch = self._services.database.read_now(lambda connection: feed.after(connection, proxy, 0, 10_000))
        answers = [_message.decode(body) for _, body in batch.messages]
        return {answer.approval for answer in answers if answer.verdict is Verdict.ALLOW}

    def close(self) -> None:
        self._services.close()
        self._runner.close()
        shutil.rmtree(self._directory)
