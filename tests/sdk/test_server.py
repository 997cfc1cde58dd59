"""The SDK against a real server: what each refusal is raised as, and what stays on record."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from tests.control.asking import agent, answers_carried_over
from tests.control.running import GATEWAYS, Running, running
from tests.support.waiting import wait_for

from tameflare.sdk import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalRequired,
    AsyncClient,
    Client,
    Conflict,
    Denied,
    Forbidden,
    Invalid,
    KillSwitchActive,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
)

INSIDE = {"to": "ana@example.com"}
CUSTOMER = {"to": "li@example.org"}


class Place:
    """A server, its owner, and an agent's client; `agents` is the path of the gateway's agents."""

    agents = f"{GATEWAYS}/asking/agents"

    def __init__(self, server: Running) -> None:
        self.server = server
        self.owner = server.owner()
        self.clients: list[Client] = []
        self.client = self.of("mailer")

    def of(self, name: str, gateway: str = "asking") -> Client:
        return self.made(self.key(name, gateway))

    def made(self, key: str) -> Client:
        self.clients.append(Client(key, server_url=self.server.url, max_retries=0))
        return self.clients[-1]

    def key(self, name: str, gateway: str = "asking") -> str:
        return agent(self.server, self.owner, name, gateway).headers["authorization"].removeprefix("Bearer ")

    def close(self) -> None:
        for client in self.clients:
            client.close()

    def pending(self) -> list[str]:
        return [one["id"] for one in self.owner.get("/api/dashboard/approvals").json()["approvals"]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with running(tmp_path_factory.mktemp("server")) as server, answers_carried_over(server):
        found = Place(server)
        yield found
        found.close()


def test_a_permission_is_good_for_one_use(place: Place) -> None:
    decision = place.client.request_action("email.send", parameters=INSIDE)
    assert decision.decision_token is not None
    with pytest.raises(Invalid):
        place.client.verify(decision.decision_token, "email.send", parameters={"to": "eve@example.com"})
    used = place.client.verify(decision.decision_token, "email.send", parameters=INSIDE)
    assert used.action_request_id == decision.action_request_id
    with pytest.raises(Conflict):
        place.client.verify(decision.decision_token, "email.send", parameters=INSIDE)
    assert place.client.get_action(decision).status == "executed"


def test_a_guarded_function_leaves_an_executed_action(place: Place) -> None:
    @place.client.guard("email.send")
    def send(to: str) -> str:
        return to

    assert send(INSIDE["to"]) == INSIDE["to"]
    assert next(place.client.actions())["status"] == "executed"


def test_refusals_have_their_kind(place: Place) -> None:
    with pytest.raises(Denied) as denied:
        place.client.request_action("email.send", parameters={"to": "x@evil.test"})
    assert denied.value.code == "no_policy"
    assert place.client.get_action(denied.value.decision).status == "denied"
    with pytest.raises(Invalid) as invalid:
        place.client.request_action("no type", parameters={"n": 1 << 60})
    assert {fault["field"] for fault in invalid.value.faults} == {"type", "parameters.n"}
    with pytest.raises(NotFound):
        place.client.get_action("act_nobody")
    with pytest.raises(NotFound):
        place.of("other").get_action(denied.value.decision)
    place.client.request_action("email.send", parameters=INSIDE, idempotency_key="once")
    with pytest.raises(Conflict):
        place.client.request_action("email.send", parameters=CUSTOMER, idempotency_key="once")
    with pytest.raises(Unauthorized):
        place.made("tf_live_wrong").request_action("email.send")


def test_what_no_connector_carries_out_is_told(place: Place) -> None:
    with pytest.raises(Invalid, match="no connector that carries out"):
        place.client.execute(place.client.request_action("email.send", parameters=INSIDE))


def test_an_agent_that_is_stopped_or_too_fast(place: Place) -> None:
    client = place.of("stopped")
    place.owner.patch(f"{place.agents}/stopped", json={"status": "suspended"})
    with pytest.raises(Forbidden) as stopped:
        client.request_action("email.send", parameters=INSIDE)
    assert stopped.value.code == "agent_suspended"
    hasty = place.of("hasty", "slow")
    place.owner.patch(f"{GATEWAYS}/slow", json={"rate_limit_per_minute": 1})
    hasty.request_action("email.send", parameters=INSIDE)
    with pytest.raises(RateLimited) as fast:
        hasty.request_action("email.send", parameters=INSIDE)
    assert fast.value.retry_after is not None
    assert 60 <= fast.value.retry_after <= 61


def test_the_kill_switch(place: Place) -> None:
    place.owner.post("/api/v1/kill-switch", json={"active": True, "scope": "all", "reason": "drill"})
    with pytest.raises(KillSwitchActive):
        place.client.request_action("email.send", parameters=INSIDE)
    place.owner.post("/api/v1/kill-switch", json={"active": False, "scope": "all"})
    assert place.client.request_action("email.send", parameters=INSIDE).allowed


def test_people_say_no(place: Place) -> None:
    with pytest.raises(ApprovalRequired) as asked:
        place.client.request_action("email.send", parameters=CUSTOMER)
    approval = asked.value.decision.approval
    assert approval is not None
    vote = {"vote": "deny", "reason": "not on a Sunday"}
    place.owner.post(f"/api/dashboard/approvals/{approval.id}/votes", json=vote)
    with pytest.raises(ApprovalDenied, match="not on a Sunday"):
        place.client.wait_for_approval(asked.value.decision)


def test_a_permission_that_is_not_used_is_over(place: Place) -> None:
    decision = place.client.request_action("email.send", parameters=INSIDE)
    place.server.clock.now += 400
    with pytest.raises(ApprovalExpired):
        place.client.execute(place.client.get_action(decision))


def test_tasks_wait_for_people_side_by_side(place: Place) -> None:
    key = place.key("parallel")

    async def work() -> list[str]:
        async with AsyncClient(key, server_url=place.server.url) as client:
            customers = [{"to": f"{name}@example.org"} for name in ("li", "bo", "cy")]
            asked = [client.request_action("email.send", parameters=each, wait=20) for each in customers]
            return [decision.status.value for decision in await asyncio.gather(*asked)]

    before = set(place.pending())
    person = threading.Thread(target=lambda: agree_to(place, before, 3))
    person.start()
    assert asyncio.run(work()) == ["approved"] * 3
    person.join()


def agree_to(place: Place, before: set[str], count: int) -> None:
    wait_for(lambda: len(set(place.pending()) - before) == count, "the approvals")
    for approval in set(place.pending()) - before:
        place.owner.post(f"/api/dashboard/approvals/{approval}/votes", json={"vote": "approve"})


def test_a_server_that_is_gone(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("gone")) as server:
        place = Place(server)
    with pytest.raises(Unavailable, match="no answer from"):
        place.client.request_action("email.send", parameters=INSIDE)
    place.close()
