"""What the model of approvals asks of a control plane, and one made of nothing but the pure state machine."""

from __future__ import annotations

from typing import Protocol

from tameflare.core import approval_states as states
from tameflare.core.approval_states import Approval, Asker, Standing
from tameflare.core.roles import Role
from tameflare.core.voting import Person, Vote
from tameflare.link.approvals import Answer, Consume, Leave, Raise

START = 1_800_000_000
AGENTS = {"agt_0": "gtw_0", "agt_1": "gtw_1"}
"""Agents with their gateways; each belongs to the admin."""
PEOPLE = (
    Person("usr_owner", Role.OWNER, groups=("ops", "security")),
    Person("usr_admin", Role.ADMIN, groups=("security",)),
    Person("usr_member", Role.MEMBER, groups=("security",)),
    Person("usr_viewer", Role.VIEWER),
)
GROUPS = ("ops", "security")
AGENTS_OWNER = "usr_admin"


class Control(Protocol):
    """A control plane. `told` are the approvals that a proxy was told are given."""

    version: int
    killed: set[str]
    now: int

    def raise_(self, proxy: str, asked: Raise) -> Answer: ...
    def consume(self, proxy: str, approval: str, asked: Consume) -> Answer: ...
    def leave(self, proxy: str, approval: str, asked: Leave) -> None: ...
    def vote(self, person: str, approval: str, approve: bool) -> None: ...
    def publish(self) -> None: ...
    def change(self, person: Person) -> None: ...
    def throw(self, agent: str) -> None: ...
    def release(self, agent: str) -> None: ...
    def pass_time(self, seconds: int) -> None: ...
    def expire(self) -> None: ...
    def restart(self) -> None: ...
    def people(self) -> list[Person]: ...
    def approvals(self) -> dict[str, Approval]: ...
    def told(self, proxy: str) -> set[str]: ...
    def close(self) -> None: ...


class PureControl:
    """Dictionaries around `core.approval_states`."""

    def __init__(self) -> None:
        self.version = 1
        self.killed: set[str] = set()
        self.now = START
        self._people = {person.id: person for person in PEOPLE}
        self._approvals: dict[str, Approval] = {}
        self._asked: dict[tuple[str, str], str] = {}
        self._epochs: dict[str, list[str]] = {}
        self._told: dict[str, set[str]] = {}

    def raise_(self, proxy: str, asked: Raise) -> Answer:
        asker = Asker(proxy, asked.request_id, asked.epoch)
        held = asked.held
        known = self._asked.get((proxy, asked.request_id))
        if known is not None:
            return self._answer(known, asker)
        if not self._is_alive(asker) or held.agent in self.killed:
            return Answer("", Standing.REFUSED)
        found = next((a for a in self._approvals.values() if self._fits(a, asked)), None) or self._new(asked)
        self._asked[proxy, asked.request_id] = found.id
        self._put(states.join(found, asker, asked.requirement, asked.configuration, self.people(), self.now))
        return self._answer(found.id, asker)

    def _fits(self, approval: Approval, asked: Raise) -> bool:
        wanted = (asked.held.gateway, asked.held.agent, asked.held.digest)
        return approval.is_open and (approval.gateway, approval.agent, approval.digest) == wanted

    def _new(self, asked: Raise) -> Approval:
        held = asked.held
        approval = Approval(
            f"apr_{len(self._approvals)}", held.gateway, held.agent, held.connector, held.digest, asked.requirement,
            asked.configuration, self.now, self.now + (asked.requirement.timeout or int(asked.wait)), (AGENTS_OWNER,),
        )  # fmt: skip
        self._approvals[approval.id] = approval
        return approval

    def consume(self, proxy: str, approval: str, asked: Consume) -> Answer:
        asker = Asker(proxy, asked.request_id, asked.epoch)
        self._is_alive(asker)
        changed, standing = states.consume(
            self._approvals[approval], asker, asked.requirement, asked.configuration, self.version, self.people(),
            self.now,
        )  # fmt: skip
        self._put(changed)
        return Answer(approval, standing, self.version)

    def leave(self, proxy: str, approval: str, asked: Leave) -> None:
        asker = Asker(proxy, asked.request_id)
        self._put(states.leave(self._approvals[approval], asker, asked.reason, asked.message, self.now))

    def vote(self, person: str, approval: str, approve: bool) -> None:
        cast = Vote(person, approve, self.now)
        self._put(states.vote(self._approvals[approval], cast, self.people(), self.now))

    def publish(self) -> None:
        self.version += 1

    def change(self, person: Person) -> None:
        self._people[person.id] = person

    def throw(self, agent: str) -> None:
        self.killed.add(agent)
        self.publish()
        for approval in list(self._approvals.values()):
            if approval.agent == agent:
                self._put(states.stop(approval, "drill", self.now))

    def release(self, agent: str) -> None:
        self.killed.discard(agent)
        self.publish()

    def pass_time(self, seconds: int) -> None:
        self.now += seconds

    def expire(self) -> None:
        for approval in list(self._approvals.values()):
            self._put(states.expire(approval, self.now))

    def restart(self) -> None:
        """Everything it knows is durable."""

    def people(self) -> list[Person]:
        return list(self._people.values())

    def approvals(self) -> dict[str, Approval]:
        return dict(self._approvals)

    def told(self, proxy: str) -> set[str]:
        return self._told.get(proxy, set())

    def close(self) -> None:
        """Nothing is open."""

    def _put(self, changed: Approval) -> None:
        before = self._approvals[changed.id]
        self._approvals[changed.id] = changed
        if changed.status is not before.status and changed.status is states.Status.APPROVED:
            for proxy in states.waiting_proxies(changed):
                self._told.setdefault(proxy, set()).add(changed.id)

    def _is_alive(self, asker: Asker) -> bool:
        """Whether this is the newest life of the proxy that was heard of; a new one ends what the older ones held."""
        known = self._epochs.setdefault(asker.proxy, [])
        if asker.epoch not in known:
            known.append(asker.epoch)
            for approval in list(self._approvals.values()):
                self._put(states.restarted(approval, asker.proxy, asker.epoch))
        return known[-1] == asker.epoch

    def _answer(self, approval: str, asker: Asker) -> Answer:
        self._put(states.expire(self._approvals[approval], self.now))
        return Answer(approval, states.standing(self._approvals[approval], asker), self.version)
