"""Approvals on the link, as a proxy asks: over HTTP, against the real services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs
from tests.control.holding import ANYBODY, Plane
from tests.control.running import Running, running

from tameflare.control.services import approval_changes as changes
from tameflare.control.services import passwords
from tameflare.control.store import approvals
from tameflare.control.store.engine import Connection
from tameflare.core import approval_states as states
from tameflare.core.approval import Requirement
from tameflare.core.roles import Role
from tameflare.link.approvals import Consume, Leave, Raise, Standing

APPROVALS = "/api/dashboard/approvals"
AGREE = {"vote": "approve"}
Vote = Callable[..., httpx.Response]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A server for each test: what one leaves pending would count for the next."""
    monkeypatch.setattr(passwords, "COST", 4)  # bcrypt's least: people log in here only to vote
    with running(tmp_path, {"TF_REGISTRATION": "open", "TF_MAX_PENDING_APPROVALS": "3"}) as made:
        yield made


@pytest.fixture
def owner(server: Running) -> httpx.Client:
    return server.owner()


@pytest.fixture
def plane(server: Running, owner: httpx.Client) -> Plane:
    return Plane(server, owner)


@pytest.fixture
def member(server: Running, plane: Plane) -> httpx.Client:
    return server.person(Role.MEMBER)


def test_a_request_waits_is_answered_and_goes_once(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1")
    assert (asked.standing, asked.expires_at) == (Standing.PENDING, int(plane.server.clock.now) + 300)
    assert plane.told() == []
    assert member.post(f"{APPROVALS}/{asked.approval}/votes", json=AGREE).status_code == 200
    (told,) = plane.told()
    assert (told.approval, told.verdict, told.reason) == (asked.approval, "allow", "approved")
    assert plane.consume(asked.approval, "r1").standing is Standing.RELEASED
    assert plane.consume(asked.approval, "r1").standing is Standing.RELEASED, "the answer may have been lost"
    spent = plane.consume(asked.approval, "r2")
    assert (spent.standing, spent.reason) == (Standing.REFUSED, "approval_spent")


def test_the_same_question_gets_the_same_answer(plane: Plane) -> None:
    assert plane.raise_("r1") == plane.raise_("r1")


def test_a_retry_joins_and_another_request_does_not(plane: Plane) -> None:
    first = plane.raise_("r1")
    assert plane.raise_("r2").approval == first.approval
    assert plane.raise_("r3", "another").approval != first.approval


def test_what_is_given_with_nobody_waiting_is_there_for_ten_minutes(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1", requirement=Requirement(timeout=3600))
    plane.leave(asked.approval, "r1", "client_closed")
    member.post(f"{APPROVALS}/{asked.approval}/votes", json=AGREE)
    assert plane.told() == [], "nobody waits, nobody is told"
    plane.server.clock.now += 599
    again = plane.raise_("r2", requirement=Requirement(timeout=3600))
    assert (again.approval, again.standing) == (asked.approval, Standing.APPROVED)
    plane.leave(asked.approval, "r2")
    plane.server.clock.now += 1
    late = plane.raise_("r3", requirement=Requirement(timeout=3600))
    assert late.approval != asked.approval
    assert late.standing is Standing.PENDING


def test_a_denial_says_why_and_stays(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1")
    member.post(f"{APPROVALS}/{asked.approval}/votes", json={"vote": "deny", "reason": "wrong customer"})
    (told,) = plane.told()
    assert (told.verdict, told.reason, told.message) == ("deny", "approval_denied", "wrong customer")
    refused = plane.consume(asked.approval, "r1")
    assert (refused.standing, refused.reason, refused.message) == (
        Standing.REFUSED,
        "approval_denied",
        "wrong customer",
    )
    again = plane.raise_("r2")
    assert (again.standing, again.reason, again.message) == (Standing.REFUSED, "approval_denied", "wrong customer")
    assert again.approval == asked.approval
    assert plane.raise_("r3", "another").standing is Standing.PENDING, "the no was to one request"


def test_a_denial_answers_for_a_while_and_then_people_are_asked_anew(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1")
    member.post(f"{APPROVALS}/{asked.approval}/votes", json={"vote": "deny"})
    plane.server.clock.now += 299
    assert plane.raise_("r2").reason == "approval_denied"
    plane.server.clock.now += 1
    anew = plane.raise_("r2")
    assert (anew.standing, anew.approval != asked.approval) == (Standing.PENDING, True)


def test_what_ended_without_a_persons_no_may_be_asked_again_at_once(plane: Plane, owner: httpx.Client) -> None:
    asked = plane.raise_("r1", requirement=Requirement(timeout=10))
    plane.server.clock.now += 10
    anew = plane.raise_("r2", requirement=Requirement(timeout=10))
    assert (anew.standing, anew.approval != asked.approval) == (Standing.PENDING, True)


def test_a_verdict_of_an_older_configuration_does_not_let_go(
    plane: Plane, owner: httpx.Client, member: httpx.Client
) -> None:
    asked = plane.raise_("r1")
    member.post(f"{APPROVALS}/{asked.approval}/votes", json=AGREE)
    judged = plane.version
    owner.patch("/api/dashboard/gateways/main", json={"rate_limit_per_minute": 7})
    stale = plane.consume(asked.approval, "r1", version=judged)
    assert (stale.standing, stale.configuration) == (Standing.STALE, judged + 1)
    assert plane.consume(asked.approval, "r1", version=judged + 1).standing is Standing.RELEASED


def test_more_people_may_be_needed_at_the_end_and_votes_are_kept(
    server: Running, plane: Plane, member: httpx.Client
) -> None:
    asked = plane.raise_("r1")
    member.post(f"{APPROVALS}/{asked.approval}/votes", json=AGREE)
    two = Requirement(quorum=2)
    assert plane.consume(asked.approval, "r1", requirement=two).standing is Standing.PENDING
    admin = server.person(Role.ADMIN)
    shown = admin.post(f"{APPROVALS}/{asked.approval}/votes", json=AGREE).json()
    assert (shown["status"], len(shown["votes"])) == ("approved", 2)
    assert plane.consume(asked.approval, "r1", requirement=two).standing is Standing.RELEASED


def test_an_answer_ends_in_time_and_the_proxy_hears_of_it(plane: Plane, server: Running) -> None:
    asked = plane.raise_("r1")
    server.clock.now += 300
    server.call(server.services.holds.expire())
    (told,) = plane.told()
    assert (told.verdict, told.reason) == ("deny", "approval_expired")
    assert plane.consume(asked.approval, "r1").reason == "approval_expired"


def test_it_ends_in_time_although_the_job_is_late(plane: Plane, server: Running, member: httpx.Client) -> None:
    asked = plane.raise_("r1")
    member.post(f"{APPROVALS}/{asked.approval}/votes", json=AGREE)
    server.clock.now += 300
    refused = plane.consume(asked.approval, "r1")
    assert (refused.standing, refused.reason) == (Standing.REFUSED, "approval_expired")


def test_an_agent_has_only_so_many_pending(plane: Plane) -> None:
    for number in range(3):
        assert plane.raise_(f"r{number}", f"d{number}").standing is Standing.PENDING
    refused = plane.raise_("r4", "d4")
    assert (refused.standing, refused.reason) == (Standing.REFUSED, "too_many_approvals")
    assert plane.raise_("r5", "d0").standing is Standing.PENDING, "who joins asks nobody anew"


def test_nobody_is_asked_where_nobody_may_answer(plane: Plane, member: httpx.Client) -> None:
    for requirement in (Requirement(quorum=3), Requirement(groups=("security",))):
        refused = plane.raise_("r1", requirement=requirement)
        assert (refused.standing, refused.reason) == (Standing.REFUSED, "approval_unreachable")


def test_a_kill_switch_denies_what_waits_and_what_was_given(
    plane: Plane, owner: httpx.Client, member: httpx.Client
) -> None:
    given, waiting = plane.raise_("r1", "d1"), plane.raise_("r2", "d2")
    member.post(f"{APPROVALS}/{given.approval}/votes", json=AGREE)
    plane.told()
    owner.post("/api/v1/kill-switch", json={"active": True, "scope": "connector:stripe", "reason": "strange refunds"})
    told = plane.told()
    assert {(one.approval, one.reason) for one in told} == {
        (approval, "kill_switch_active") for approval in (given.approval, waiting.approval)
    }
    assert plane.consume(given.approval, "r1").reason == "kill_switch_active"
    assert plane.raise_("r3", "d3").reason == "kill_switch_active"
    owner.post("/api/v1/kill-switch", json={"active": False, "scope": "connector:stripe", "reason": ""})
    assert plane.consume(given.approval, "r1").reason == "kill_switch_active", "a denial stays"
    assert plane.raise_("r4", "d1").standing is Standing.PENDING


def test_a_kill_switch_for_something_else_leaves_it_alone(plane: Plane, owner: httpx.Client) -> None:
    asked = plane.raise_("r1")
    owner.post(f"/api/dashboard/gateways/{plane.name}/connectors", json={"type": "github"})
    owner.post("/api/v1/kill-switch", json={"active": True, "scope": "connector:github", "reason": ""})
    assert plane.raise_("r1").standing is Standing.PENDING
    assert plane.told() == []
    assert asked.approval


def test_a_proxy_that_was_restarted_holds_nothing(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1")
    plane.epoch = "life-2"
    assert plane.raise_("r2", "d2").standing is Standing.PENDING
    assert member.get(f"{APPROVALS}/{asked.approval}").json()["waiting"] == 0
    plane.epoch = "life-1"
    refused = plane.consume(asked.approval, "r1")
    assert (refused.standing, refused.reason) == (Standing.REFUSED, "approval_required"), "a ghost of the old process"
    assert plane.raise_("r3").standing is Standing.REFUSED


def test_a_restarted_proxy_that_asks_nothing_ends_what_its_process_before_had_under_way(
    plane: Plane, member: httpx.Client
) -> None:
    """Its first poll of the feed tells."""
    plane.told()
    gone, held = plane.raise_("r1"), plane.raise_("r2", "d2")
    member.post(f"{APPROVALS}/{gone.approval}/votes", json=AGREE)
    plane.told()
    assert plane.consume(gone.approval, "r1").standing is Standing.RELEASED
    plane.told()
    assert member.get(f"{APPROVALS}/{gone.approval}").json()["status"] == "released"
    plane.epoch = "life-2"
    plane.told()
    assert member.get(f"{APPROVALS}/{gone.approval}").json()["status"] == "unknown"
    assert member.get(f"{APPROVALS}/{held.approval}").json()["waiting"] == 0
    plane.epoch = "life-1"
    plane.told()
    assert plane.raise_("r3").standing is Standing.REFUSED, "a ghost of the old process"


def test_a_change_is_logged_once_it_is_committed(plane: Plane) -> None:
    """A transaction that comes to nothing leaves no line."""
    asked = plane.raise_("r1")
    database, now = plane.server.services.database, int(plane.server.clock.now)

    def deny(connection: Connection, fault: type[Exception] | None) -> None:
        stored = approvals.by_id(connection, asked.approval)
        assert stored is not None
        changes.apply(connection, stored, states.stop(stored.state, "stopped", now), now)
        if fault is not None:
            raise fault

    with capture_logs() as logs:
        with pytest.raises(KeyError):
            database.write_now(lambda connection: deny(connection, KeyError))
        assert logs == []
        database.write_now(lambda connection: deny(connection, None))
    assert [(line["event"], line["approval"], line["reason"]) for line in logs] == [
        ("approval.denied", asked.approval, "stopped")
    ]


def test_an_epoch_that_is_none_is_refused(plane: Plane) -> None:
    plane.epoch = "a b"
    answer = plane.link.get("/api/link/feed", headers={"x-tameflare-epoch": plane.epoch})
    assert answer.status_code == 422


def test_a_request_that_left_takes_nothing_any_more(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1")
    member.post(f"{APPROVALS}/{asked.approval}/votes", json=AGREE)
    plane.leave(asked.approval, "r1")
    assert plane.consume(asked.approval, "r1").reason == "approval_required"
    assert plane.raise_("r2").standing is Standing.APPROVED


def test_a_request_that_is_no_longer_allowed_ends_its_approval(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1")
    plane.leave(asked.approval, "r1", "rule_deny", "`stripe.refund.create` is denied by a rule")
    shown = member.get(f"{APPROVALS}/{asked.approval}").json()
    assert (shown["status"], shown["standing_note"]) == (
        "denied",
        "denied: `stripe.refund.create` is denied by a rule",
    )


def test_a_proxy_speaks_only_for_the_gateways_that_it_serves(
    server: Running, plane: Plane, owner: httpx.Client, member: httpx.Client
) -> None:
    other = Plane(server, owner, "other", "elsewhere")
    asked = plane.raise_("r1")
    member.post(f"{APPROVALS}/{asked.approval}/votes", json=AGREE)
    foreign = Raise("r1", plane.held(), ANYBODY, plane.version, 300)
    assert other.post("", foreign).status_code == 403
    taking = Consume("r1", "d1", ANYBODY, plane.version)
    assert other.post(f"/{asked.approval}/consume", taking).status_code == 403
    assert other.post(f"/{asked.approval}/leave", Leave("r1")).status_code == 403
    assert plane.consume(asked.approval, "r1").standing is Standing.RELEASED


def test_two_gateways_do_not_answer_each_others_approvals(
    server: Running, plane: Plane, owner: httpx.Client, member: httpx.Client
) -> None:
    other = Plane(server, owner, "other", "elsewhere")
    asked = plane.raise_("r1")
    member.post(f"{APPROVALS}/{asked.approval}/votes", json=AGREE)
    assert other.raise_("r1").standing is Standing.PENDING


def test_an_agent_of_another_gateway_or_that_is_gone_asks_nobody(
    server: Running, plane: Plane, owner: httpx.Client
) -> None:
    other = Plane(server, owner, "other", "elsewhere")
    assert plane.raise_("r1", agent=other.agent).reason == "unauthenticated"
    owner.delete("/api/dashboard/gateways/main/agents/deploy")
    assert plane.raise_("r2").reason == "unauthenticated"


def test_only_a_link_token_opens_it(server: Running, plane: Plane, owner: httpx.Client) -> None:
    for client in (owner, server.client(), server.client("gwtk_of_somebody")):
        for path in ("", "/apr_1/consume", "/apr_1/leave"):
            assert client.post(f"/api/link/approvals{path}", content=b"{}").status_code == 401


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"request_id":1}', b"\xff"])
def test_what_is_no_question_is_refused(plane: Plane, body: bytes) -> None:
    for path in ("", "/apr_1/consume", "/apr_1/leave"):
        answer = plane.link.post(f"/api/link/approvals{path}", content=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_an_approval_that_is_not_there_lets_nothing_go(plane: Plane) -> None:
    refused = plane.consume("apr_gone", "r1")
    assert (refused.standing, refused.reason) == (Standing.REFUSED, "approval_expired")
    assert plane.leave("apr_gone", "r1").standing is Standing.REFUSED


def test_a_question_may_be_larger_than_what_people_send_and_not_without_end(plane: Plane) -> None:
    long = "x" * (2 << 20)
    assert plane.raise_("r1", path=f"/{long}").standing is Standing.PENDING
    assert plane.post("", Raise("r2", plane.held(path=f"/{'x' * (9 << 20)}"), ANYBODY, 1, 300.0)).status_code == 413
