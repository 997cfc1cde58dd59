"""Jobs as proxies have them: one gets it, what it tells is believed, what nobody tells is lost and never done again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.control.decision_tokens.minting import Mint

from tameflare.control.services.execution_jobs import Jobs
from tameflare.control.services.execution_records import ExecutionRecords
from tameflare.control.services.faults import NotFound
from tameflare.control.store import decision_tokens, executions, killswitch, proxies
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.executions import Execution, Stage
from tameflare.control.store.killswitch import ThrownSwitch
from tameflare.control.store.proxies import Proxy
from tameflare.control.store.traffic import Delivery
from tameflare.control.store.traffic_write import Rows
from tameflare.core.action_states import ActionStatus
from tameflare.core.killswitch import ScopeKind
from tameflare.link.executions import Carried, Claim, Claimed, Job
from tameflare.link.messages import Outcome

DONE = Carried("req_1", True, status=201, headers=(("x", "y"),), body=b"body-canary", latency_us=5000)


class Yard:
    """A job that waits for a proxy, and two proxies that may have it."""

    def __init__(self, mint: Mint) -> None:
        self.mint = mint
        self.jobs = Jobs(mint.context, mint.database, mint.vault, mint.tokens)
        self.proxies = [self._proxy(name) for name in ("one", "two")]
        self.action = mint.allowed()
        self.job = self.queue(self.action)

    def _proxy(self, name: str, *, serves_all: bool = True) -> Proxy:
        made = Proxy(f"prx_{name}", name, f"digest of {name}", serves_all, 1)
        self.mint.database.write_now(lambda connection: proxies.add(connection, made, []))
        return made

    def queue(self, action: StoredAction) -> str:
        now = self.mint.context.now()
        job = Execution(f"exe_{action.id}", action.id, action.gateway_id, Stage.QUEUED, 1, now, now + 70)
        self.mint.database.write_now(lambda connection: executions.add(connection, job))
        return job.id

    def fetch(self, proxy: Proxy | None = None) -> Job:
        return asyncio.run(self.jobs.fetch(proxy or self.proxies[0], self.job))

    def claim(self, at: int = 0, request: str = "req_1", epoch: str = "e1") -> Claimed:
        return asyncio.run(self.jobs.claim(self.proxies[at], self.job, Claim(request, epoch)))

    def tell(self, carried: Carried, at: int = 0) -> None:
        asyncio.run(self.jobs.tell(self.proxies[at], self.job, carried))

    def outcome(self) -> tuple[ActionStatus, str | None]:
        found = self.mint.stored(self.action)
        return found.status, (found.outcome or {}).get("code")

    def row(self) -> Execution | None:
        return self.mint.database.read_now(lambda connection: executions.by_id(connection, self.job))

    def spent(self) -> bool:
        """Whether the token is used up."""
        return self.mint.database.read_now(
            lambda connection: bool(connection.execute(decision_tokens.burnt_nonces.select()).all())
        )


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    mint = Mint(tmp_path)
    yield Yard(mint)
    mint.close()


def test_a_job_is_claimed_once_and_what_is_told_ends_it(yard: Yard) -> None:
    job = yard.fetch()
    assert (job.type, job.parameters, job.connector) == (yard.action.type, yard.action.parameters, "github")
    assert not yard.spent()
    assert yard.claim().granted
    assert yard.spent()
    assert yard.claim().granted, "the answer may have been lost"
    assert not yard.claim(1, "req_2").granted
    assert not yard.claim(0, "req_3").granted
    with pytest.raises(NotFound):
        yard.fetch()
    assert yard.outcome() == (ActionStatus.ALLOWED, None)
    yard.tell(DONE)
    yard.tell(DONE)
    after = yard.mint.stored(yard.action)
    assert after.outcome == {"code": "answered", "request_id": "req_1", "status": 201, "latency_ms": 5}
    assert yard.outcome()[0] is ActionStatus.EXECUTED
    row = yard.row()
    assert row is not None
    assert row.answer is not None
    assert row.answer.startswith("enc:v2:")


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        ({"sent": True, "status": 302}, ActionStatus.EXECUTED, "answered"),
        ({"sent": True, "status": 404}, ActionStatus.FAILED, "upstream_refused"),
        ({"sent": True, "status": 200, "reason": "upstream_closed"}, ActionStatus.EXECUTED, "answered"),
        ({"sent": True, "reason": "upstream_timeout"}, ActionStatus.FAILED, "outcome_unknown"),
        ({"sent": False, "reason": "upstream_certificate"}, ActionStatus.FAILED, "upstream_certificate"),
        ({"sent": False, "reason": "record_unavailable"}, ActionStatus.FAILED, "record_unavailable"),
    ],
)
def test_what_it_comes_to(yard: Yard, told: dict[str, Any], status: ActionStatus, code: str) -> None:
    yard.claim()
    yard.tell(Carried("req_1", **told))
    assert yard.outcome() == (status, code)


def test_only_the_one_who_claimed_it_is_believed(yard: Yard) -> None:
    yard.claim()
    yard.tell(DONE, at=1)
    yard.tell(Carried("req_2", True, status=500))
    assert yard.outcome() == (ActionStatus.ALLOWED, None)
    other = yard._proxy("three", serves_all=False)
    for ask in (yard.jobs.fetch(other, yard.job), yard.jobs.claim(other, yard.job, Claim("r", "e"))):
        with pytest.raises(NotFound):
            asyncio.run(ask)
    with pytest.raises(NotFound):
        asyncio.run(yard.jobs.tell(other, yard.job, DONE))


def test_a_refusal_before_the_claim_leaves_everything_as_it_was(yard: Yard) -> None:
    yard.tell(Carried("req_1", False, "rule_deny", "no"))
    assert not yard.spent()
    assert yard.outcome() == (ActionStatus.ALLOWED, None)
    assert not yard.claim().granted
    row = yard.row()
    assert row is not None
    assert (row.status, row.request_id) == (Stage.DONE, None)


def test_a_claim_comes_too_late_for_a_token_that_was_used_elsewhere_or_is_stopped(yard: Yard) -> None:
    yard.mint.use(yard.mint.token(yard.action))
    refused = yard.claim()
    assert (refused.granted, refused.message) == (False, "the decision token was used before")
    yard.action = yard.mint.allowed()
    yard.job = yard.queue(yard.action)
    thrown = ThrownSwitch(ScopeKind.ALL, since=1, by="Owner")
    yard.mint.database.write_now(lambda connection: killswitch.put(connection, thrown))
    assert yard.claim().message == "Kill switch is active"
    assert yard.outcome() == (ActionStatus.ALLOWED, None)


def test_what_is_claimed_and_never_told_is_lost_at_its_deadline_and_told_late_is_believed(yard: Yard) -> None:
    yard.claim()
    yard.mint.clock.now += 69
    assert asyncio.run(yard.jobs.expire()) == yard.mint.context.now() + 1
    assert yard.outcome() == (ActionStatus.ALLOWED, None)
    yard.mint.clock.now += 1
    asyncio.run(yard.jobs.expire())
    assert yard.outcome() == (ActionStatus.FAILED, "outcome_unknown")
    assert not yard.claim(1, "req_2").granted
    yard.tell(DONE)
    assert yard.outcome() == (ActionStatus.EXECUTED, "answered")
    yard.mint.clock.now += 86400
    assert asyncio.run(yard.jobs.expire()) is None
    assert yard.row() is None


def test_what_nobody_claims_is_gone_at_its_deadline(yard: Yard) -> None:
    yard.mint.clock.now += 70
    assert asyncio.run(yard.jobs.expire()) is None
    assert yard.row() is None
    assert not yard.spent()


def test_a_proxy_that_began_anew_lost_what_it_had_claimed_before(yard: Yard) -> None:
    yard.claim(epoch="e1")
    asyncio.run(yard.jobs.hear(yard.proxies[0], "e1"))
    asyncio.run(yard.jobs.hear(yard.proxies[1], "e2"))
    assert yard.outcome() == (ActionStatus.ALLOWED, None)
    asyncio.run(yard.jobs.hear(yard.proxies[0], "e2"))
    assert yard.outcome() == (ActionStatus.FAILED, "outcome_unknown")


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (Outcome("req_1", 201, 5000, 0, 0, 0), ActionStatus.EXECUTED, "answered"),
        (Outcome("req_1", 0, 5000, 0, 0, 0, "upstream_unreachable"), ActionStatus.FAILED, "upstream_unreachable"),
        (Outcome("req_1", 0, 5000, 0, 0, 0, "upstream_closed"), ActionStatus.FAILED, "outcome_unknown"),
        (Outcome("req_2", 201, 5000, 0, 0, 0), ActionStatus.FAILED, "outcome_unknown"),
    ],
)
def test_records_tell_what_a_proxy_could_not(yard: Yard, outcome: Outcome, status: ActionStatus, code: str) -> None:
    yard.claim()
    asyncio.run(yard.jobs.hear(yard.proxies[0], "e2"))
    records = ExecutionRecords(yard.mint.context, yard.mint.database)
    delivery = Delivery(yard.proxies[1].id, "e1", 0, 1, Rows([outcome]))
    asyncio.run(records.take(delivery))
    assert yard.outcome() == (ActionStatus.FAILED, "outcome_unknown")
    asyncio.run(records.take(replace(delivery, proxy=yard.proxies[0].id)))
    assert yard.outcome() == (status, code)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_many_claims_at_two_servers_one_is_granted(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("databases").filled() if kind == "postgresql" else None
    mints = [Mint(tmp_path, url=url), Mint(tmp_path, url=url)]
    yard = Yard(mints[0])
    servers = [yard.jobs, Jobs(mints[1].context, mints[1].database, mints[1].vault, mints[1].tokens)]

    async def everybody() -> list[Claimed]:
        calls = [
            servers[at % 2].claim(yard.proxies[at // 2 % 2], yard.job, Claim(f"req_{at}", "e")) for at in range(40)
        ]
        return await asyncio.gather(*calls)

    assert sum(claimed.granted for claimed in asyncio.run(everybody())) == 1
    for mint in mints:
        mint.close()
