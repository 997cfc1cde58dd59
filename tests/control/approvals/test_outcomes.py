"""What became of a request that people let go."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.control.approvals.asking import APPROVALS, vote
from tests.control.holding import Plane
from tests.control.records import frames, intent, outcome, refusal
from tests.control.running import running

from tameflare.control.services.named import proxy_named
from tameflare.link.approvals import Standing
from tameflare.link.messages import Record


def deliver(plane: Plane, epoch: str, sequence: int, *records: Record) -> None:
    headers = {"x-tameflare-epoch": epoch, "x-tameflare-sequence": str(sequence)}
    answer = plane.link.post("/api/link/records", content=frames(records), headers=headers)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def released(plane: Plane, member: httpx.Client) -> str:
    """An approval that was taken by request `r1` of the proxy's first life."""
    asked = plane.raise_("r1")
    vote(member, asked.approval)
    assert plane.consume(asked.approval, "r1").standing is Standing.RELEASED
    return asked.approval


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (200, "", "executed"),
        (302, "", "executed"),
        (402, "", "failed"),
        (502, "upstream_unreachable", "failed"),
        (504, "upstream_timeout", "unknown"),
        (0, "client_closed", "unknown"),
        (200, "client_closed", "executed"),
    ],
)
def test_the_record_tells_how_it_went(
    plane: Plane, member: httpx.Client, released: str, status: int, reason: str, expected: str
) -> None:
    let_go = intent("r1", approval=released, gateway=plane.gateway)
    deliver(plane, "life-1", 0, let_go)
    assert member.get(f"{APPROVALS}/{released}").json()["status"] == "released"
    deliver(plane, "life-1", 1, outcome("r1", status=status, reason=reason, latency_us=83_211))
    shown = member.get(f"{APPROVALS}/{released}").json()
    assert shown["status"] == expected
    assert shown["outcome"] == {"status": status, "latency_ms": 83.211}


def test_a_request_that_was_refused_after_all_failed(plane: Plane, member: httpx.Client, released: str) -> None:
    deliver(plane, "life-1", 0, refusal("r1", approval=released, gateway=plane.gateway, reason="record_unavailable"))
    assert member.get(f"{APPROVALS}/{released}").json()["status"] == "failed"


def test_without_an_outcome_from_the_life_that_let_it_go_nobody_knows(
    plane: Plane, member: httpx.Client, released: str
) -> None:
    deliver(plane, "life-1", 0, intent("r1", approval=released, gateway=plane.gateway))
    deliver(plane, "life-2", 0, refusal("r9", gateway=plane.gateway))
    shown = member.get(f"{APPROVALS}/{released}").json()
    assert shown["status"] == "unknown"
    assert "look" in shown["standing_note"]
    deliver(plane, "life-2", 1, refusal("r10", gateway=plane.gateway))
    assert member.get(f"{APPROVALS}/{released}").json() == shown, "it is told once"
    assert plane.consume(released, "r1").reason == "approval_spent"


def test_a_request_that_its_proxy_did_not_send_after_all_failed(
    plane: Plane, member: httpx.Client, released: str
) -> None:
    plane.leave(released, "r1", "client_closed")
    shown = member.get(f"{APPROVALS}/{released}").json()
    assert (shown["status"], plane.consume(released, "r1").reason) == ("failed", "approval_spent")
    assert plane.server.services.holds._outcomes._awaited[_proxy(plane)] == {}


def _proxy(plane: Plane) -> str:
    database = plane.server.services.database
    return database.read_now(lambda connection: proxy_named(connection, "edge")).id


def test_an_older_life_that_delivers_late_says_nothing_about_it(
    plane: Plane, member: httpx.Client, released: str
) -> None:
    deliver(plane, "life-0", 0, refusal("r0", gateway=plane.gateway))
    assert member.get(f"{APPROVALS}/{released}").json()["status"] == "released"


def test_a_restart_is_heard_of_in_its_first_question_and_a_late_record_corrects_it(
    plane: Plane, member: httpx.Client, released: str
) -> None:
    plane.epoch = "life-2"
    plane.raise_("r2", "d2")
    assert member.get(f"{APPROVALS}/{released}").json()["status"] == "unknown"
    deliver(plane, "life-1", 0, intent("r1", approval=released, gateway=plane.gateway), outcome("r1"))
    assert member.get(f"{APPROVALS}/{released}").json()["status"] == "executed"


def test_what_was_let_go_before_the_server_was_restarted_is_still_awaited(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        owner = server.owner()
        plane = Plane(server, owner)
        approval = plane.raise_("r1").approval
        vote(owner, approval)
        plane.consume(approval, "r1")
        tokens = owner.headers["authorization"], plane.link.headers["authorization"]
    with running(tmp_path) as again:
        link = again.client(tokens[1].removeprefix("Bearer "))
        headers = {"x-tameflare-epoch": "life-1", "x-tameflare-sequence": "0"}
        link.post("/api/link/records", content=frames([outcome("r1")]), headers=headers)
        shown = again.client(tokens[0].removeprefix("Bearer ")).get(f"{APPROVALS}/{approval}").json()
        assert shown["status"] == "executed"
