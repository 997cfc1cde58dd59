"""Actions that wait for people: raised, answered, judged again, let go once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.control.browsing import logged_in
from tests.control.decisions.asking import APPROVALS, EMAIL, Place
from tests.control.running import Running, running
from tests.support.waiting import wait_for

from tameflare.control.action_job import ActionJob
from tameflare.core.action_states import TOKEN_SECONDS
from tameflare.core.token import SKEW

DAY = 86400


@pytest.fixture
def asking(place: Place) -> Place:
    place.rule("email.*", "require_approval")
    return place


def shown(place: Place, approval: str) -> dict[str, Any]:
    return dict(place.owner.get(f"{APPROVALS}/{approval}").json())


def test_people_see_what_exactly_will_be_done_and_let_it_go(asking: Place) -> None:
    asked = asking.ask(parameters={"subject": "Hello", "password": "hunter2", "amount": 12.5})
    assert (asked["status"], asked["decision"], asked["reason"]) == (
        "pending_approval",
        "requires_approval",
        "approval_required",
    )
    assert "decision_token" not in asked
    approval = asked["approval"]
    assert approval["required_approver_groups"] == []
    assert approval["expires_at"] == int(asking.server.clock()) + DAY
    seen = shown(asking, approval["id"])
    (action,) = seen["actions"]
    assert (action["type"], action["resource"]) == ("email.send", EMAIL["resource"])
    assert action["parameters"] == {"subject": "Hello", "password": "***", "amount": 12.5}
    assert seen["unshown"] == "what looks like a key is masked"
    assert seen["sentence"].startswith("`worker` asks for `email.send` with to=ada@example.com, subject=Hello")
    assert "through the decision API" in seen["sentence"]
    assert seen["request_ids"] == [asked["action_request_id"]]
    asking.server.clock.now += 100
    voted = asking.vote(approval["id"])
    assert (voted.status_code, voted.json()["standing_note"]) == (200, "approved; the agent is told")
    done = asking.settled(asked["action_request_id"])
    assert (done["status"], done["reason"]) == ("approved", "approved")
    assert done["decision_token"]
    assert done["expires_at"] == int(asking.server.clock()) + TOKEN_SECONDS, "the time runs from the answer"
    assert shown(asking, approval["id"])["status"] == "released"
    asking.server.clock.now += TOKEN_SECONDS + SKEW
    wait_for(lambda: not asking.server.call(asking.server.services.release.expire()), "the end")
    assert asking.get(asked["action_request_id"])["status"] == "expired"
    ended = shown(asking, approval["id"])
    assert (ended["status"], ended["standing_note"]) == (
        "failed",
        "let go, but it failed: the agent did not use it in time",
    )


def test_a_no_denies_it_with_the_reason(asking: Place) -> None:
    asked = asking.ask()
    asking.vote(asked["approval"]["id"], "deny", reason="not to her")
    done = asking.settled(asked["action_request_id"])
    assert (done["status"], done["reason"], done["message"]) == ("denied", "approval_denied", "not to her")
    again = asking.ask()
    assert (again["status"], again["reason"]) == ("denied", "approval_denied"), "a no stands for a while"
    assert asking.ask(parameters={"subject": "Another"})["status"] == "pending_approval"


def test_nobody_answered(asking: Place) -> None:
    asking.rule("email.*", "require_approval", approval={"timeout_seconds": 60})
    asked = asking.ask()
    asking.server.clock.now += 60
    asking.server.call(asking.server.services.holds.expire())
    done = asking.settled(asked["action_request_id"])
    assert (done["status"], done["reason"]) == ("expired", "approval_expired")


def test_an_answer_that_comes_as_the_time_ends_has_one_outcome(asking: Place) -> None:
    asking.rule("email.*", "require_approval", approval={"timeout_seconds": 60})
    asked = asking.ask()
    asking.server.clock.now += 60
    late = asking.vote(asked["approval"]["id"])
    assert late.status_code == 409
    assert asking.settled(asked["action_request_id"])["status"] == "expired"


def test_the_kill_switch_denies_what_waits(asking: Place) -> None:
    asked = asking.ask()
    kill = {"active": True, "scope": f"gateway:{asking.name}", "reason": "stop"}
    assert asking.owner.post("/api/v1/kill-switch", json=kill).status_code == 200
    done = asking.settled(asked["action_request_id"])
    assert (done["status"], done["reason"]) == ("denied", "kill_switch_active")
    assert asking.owner.post("/api/v1/kill-switch", json=kill | {"active": False}).status_code == 200


def test_it_is_judged_again_before_it_is_let_go(asking: Place) -> None:
    asked = asking.ask()
    asking.rule("email.send", "deny")
    asking.vote(asked["approval"]["id"])
    done = asking.settled(asked["action_request_id"])
    assert (done["status"], done["reason"]) == ("denied", "rule_deny")
    assert shown(asking, asked["approval"]["id"])["status"] == "denied"


def test_more_people_may_be_needed_by_then_and_votes_are_kept(asking: Place) -> None:
    asked = asking.ask()
    asking.rule("email.*", "require_approval", approval={"quorum": 2})
    asking.vote(asked["approval"]["id"])
    wait_for(lambda: shown(asking, asked["approval"]["id"])["status"] == "pending", "people to be asked again")
    found = shown(asking, asked["approval"]["id"])
    assert (found["still_needed"], len(found["votes"])) == (1, 1)
    assert asking.get(asked["action_request_id"])["status"] == "pending_approval"


def test_an_agent_that_was_suspended_meanwhile_gets_nothing(asking: Place) -> None:
    asked = asking.ask()
    agent = f"{asking.path}/agents/worker"
    asking.owner.patch(agent, json={"status": "suspended"})
    asking.vote(asked["approval"]["id"])
    wait_for(lambda: shown(asking, asked["approval"]["id"])["status"] not in ("pending", "approved"), "the end")
    asking.owner.patch(agent, json={"status": "active"})
    done = asking.settled(asked["action_request_id"])
    assert (done["status"], done["reason"]) == ("denied", "unauthenticated")


def test_who_asks_twice_joins_and_one_approval_lets_one_go(asking: Place) -> None:
    first, second = asking.ask(), asking.ask()
    assert first["action_request_id"] != second["action_request_id"]
    assert first["approval"] == second["approval"]
    asking.vote(first["approval"]["id"])
    ends = {asking.settled(asked["action_request_id"])["status"]: asked for asked in (first, second)}
    assert set(ends) == {"approved", "denied"}
    assert ends["approved"] == second, "the newest is the one that somebody waits for"
    spent = asking.get(first["action_request_id"])
    assert spent["reason"] == "approval_spent"


def test_an_approval_is_for_one_agent_alone(asking: Place) -> None:
    asking.add_agent("other")
    other = asking.server.client(asking.make_key("other")["key"])
    mine = asking.ask()
    theirs = other.post("/api/v1/actions", json=EMAIL).json()
    assert theirs["approval"]["id"] != mine["approval"]["id"]
    asking.vote(mine["approval"]["id"])
    assert asking.settled(mine["action_request_id"])["status"] == "approved"
    assert other.get(f"/api/v1/actions/{theirs['action_request_id']}").json()["status"] == "pending_approval"


def test_a_retry_with_its_idempotency_key_raises_nothing_new(asking: Place) -> None:
    first = asking.ask(key="k")
    assert asking.ask(key="k") == first
    assert shown(asking, first["approval"]["id"])["request_ids"] == [first["action_request_id"]]


def test_a_long_poll_is_answered_as_soon_as_people_have(asking: Place) -> None:
    asked = asking.ask()
    path = f"/api/v1/actions/{asked['action_request_id']}"

    async def poll() -> dict[str, Any]:
        async with httpx.AsyncClient(base_url=asking.server.url, trust_env=False, timeout=30) as client:
            headers = {"Authorization": f"Bearer {asking.key}"}
            return dict((await client.get(path, params={"wait": 30}, headers=headers)).json())

    waiting = asking.server.start(poll())
    wait_for(lambda: asking.server.services.actions._bell._waiting, "somebody to wait")
    asking.vote(asked["approval"]["id"])
    assert waiting.result(20)["status"] == "approved"


def test_too_many_that_wait_are_refused(asking: Place) -> None:
    found = [asking.ask(parameters={"number": number}) for number in range(21)]
    assert [asked["status"] for asked in found] == ["pending_approval"] * 20 + ["denied"]
    assert (found[-1]["reason"], found[-1]["decision"]) == ("too_many_approvals", "deny")
    assert found[-1]["would_be"] == "requires_approval"


def test_an_answer_that_is_remembered_lets_the_next_one_pass(asking: Place) -> None:
    asked = asking.ask()
    asking.vote(asked["approval"]["id"], remember="hour")
    assert asking.settled(asked["action_request_id"])["status"] == "approved"
    again = asking.ask(parameters={"subject": "Another"})
    assert (again["status"], again["reason"]) == ("allowed", "remembered")


def test_test_keys_are_told_apart(asking: Place) -> None:
    tester = asking.server.client(asking.make_key(kind="test")["key"])
    live, test = asking.ask(), tester.post("/api/v1/actions", json=EMAIL).json()
    assert live["approval"]["id"] != test["approval"]["id"], "consent to a test is none to the deed"
    assert "nothing will be sent" in shown(asking, test["approval"]["id"])["sentence"]


def test_one_that_cannot_be_let_go_keeps_no_other_waiting(asking: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = asking.ask(parameters={"number": 1}), asking.ask(parameters={"number": 2})
    approvals = asking.server.services.actions.approvals
    real = approvals.release

    def failing(connection: Any, action_id: str, *more: Any) -> Any:
        if action_id == second["action_request_id"]:
            raise RuntimeError("a fault of ours")
        return real(connection, action_id, *more)

    monkeypatch.setattr(approvals, "release", failing)
    asking.vote(second["approval"]["id"])
    asking.vote(first["approval"]["id"])
    assert asking.settled(first["action_request_id"])["status"] == "approved"
    monkeypatch.undo()
    asking.ask(parameters={"number": 3})  # the job looks again as any approval changes
    assert asking.settled(second["action_request_id"])["status"] == "approved"


def test_pages_show_what_waits_without_a_request(asking: Place) -> None:
    asked = asking.ask(parameters={"subject": "<b>Hello</b>"})
    browser = logged_in(asking.server, "owner")
    for page in ("/dashboard/approvals", f"/dashboard/approvals/{asked['approval']['id']}"):
        seen = browser.get(page).text
        assert "through the decision API; there is no request yet" in seen
        assert "&lt;b&gt;Hello&lt;/b&gt;" in seen
        assert "/dashboard/traffic/act_" not in seen, "no request is on record to be looked at"


def test_what_was_asked_and_answered_survives_a_restart(tmp_path: Path) -> None:
    def begin(server: Running, owner: httpx.Client) -> Place:
        place = Place(server, owner)
        place.rule("email.*", "require_approval")
        return place

    with running(tmp_path) as server:
        place = begin(server, server.owner())
        asked = place.ask(key="k")
        assert place.vote(asked["approval"]["id"]).status_code == 200  # and nobody goes on with it: no job runs
        assert place.get(asked["action_request_id"])["status"] == "pending_approval"
    with running(tmp_path) as server:
        job = server.start(ActionJob(server.services).run())
        client = server.client(place.key)
        path = f"/api/v1/actions/{asked['action_request_id']}"
        done = wait_for(
            lambda: found if (found := client.get(path).json())["status"] != "pending_approval" else None, "the answer"
        )
        assert done["status"] == "approved"
        again = client.post("/api/v1/actions", json=EMAIL, headers={"Idempotency-Key": "k"})
        assert again.json()["action_request_id"] == asked["action_request_id"]
        job.cancel()
