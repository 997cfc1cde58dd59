"""Approvals as people see and answer them, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from tests.control.holding import Plane
from tests.control.records import frames, intent, outcome, refusal
from tests.control.running import PASSWORD, Running, running

from tameflare.control.services.named import proxy_named
from tameflare.control.services.parts import Parts
from tameflare.control.store.engine import Connection
from tameflare.control.store.tables import users
from tameflare.core.approval import Requirement
from tameflare.core.roles import Role
from tameflare.link.approvals import HeldAction, Standing
from tameflare.link.messages import Record

APPROVALS = "/api/dashboard/approvals"
CALL = HeldAction("slack.message.send", "medium", "public", {"channel": "C1"}, {"text": "hello"})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as made:
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


def vote(client: httpx.Client, approval: str, word: str = "approve", **more: Any) -> httpx.Response:
    return client.post(f"{APPROVALS}/{approval}/votes", json={"vote": word, **more})


def suspend(server: Running, name: str) -> None:
    change = update(users).where(users.c.name == name).values(status="suspended")
    server.services.database.write_now(lambda connection: connection.execute(change).close())


# --- reading


def test_what_waits_is_shown_whole(plane: Plane, member: httpx.Client, server: Running) -> None:
    server.person(Role.ADMIN)
    asked = plane.raise_("r1", requirement=Requirement(quorum=2, timeout=900))
    plane.raise_("r2", requirement=Requirement(quorum=2, timeout=900))
    now = int(server.clock.now)
    assert member.get(f"{APPROVALS}/{asked.approval}").json() == {
        "id": asked.approval,
        "status": "pending",
        "standing_note": "waits for 2 people",
        "gateway": "main",
        "agent": "deploy",
        "run": "run_1",
        "connector": "stripe",
        "sentence": "`deploy` asks for `stripe.refund.create` with amount=500, charge=ch_1"
        " (POST api.stripe.com/v1/refunds)",
        "actions": [
            {
                "type": "stripe.refund.create",
                "risk": "high",
                "effect": "money",
                "resource": {},
                "parameters": {"amount": 500, "charge": "ch_1"},
            }
        ],
        "method": "POST",
        "host": "api.stripe.com",
        "path": "/v1/refunds",
        "content_type": "application/x-www-form-urlencoded",
        "body_size": 2,
        "body_sha256": "00" * 32,
        "unshown": "",
        "risk": "high",
        "effect": "money",
        "waiting": 2,
        "requirement": {"role": "member", "groups": [], "quorum": 2, "distinct": False},
        "votes": [],
        "rememberable": [],
        "still_needed": 2,
        "raised_at": now,
        "expires_at": now + 900,
        "answered_at": None,
        "outcome": None,
        "request_ids": ["r1", "r2"],
        "revision": 2,
    }


def test_lists_are_paged_and_filtered(plane: Plane, member: httpx.Client) -> None:
    made = [plane.raise_(f"r{number}", f"d{number}").approval for number in range(5)]
    vote(member, made[0], "deny")
    pages, cursor = [], None
    while True:
        page = member.get(APPROVALS, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        pages.append([approval["id"] for approval in page["approvals"]])
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(name for page in pages for name in page) == sorted(made[1:])
    assert max(map(len, pages)) == 2
    for status, expected in (("answered", made[:1]), ("all", made), ("pending", made[1:])):
        found = member.get(APPROVALS, params={"status": status}).json()["approvals"]
        assert sorted(approval["id"] for approval in found) == sorted(expected)


@pytest.mark.parametrize("cursor", ["x", "1", ":", "x:apr_1", "-1:apr_1", "9" * 30 + ":a"])
def test_a_cursor_that_no_list_gave_is_refused(member: httpx.Client, cursor: str) -> None:
    assert member.get(APPROVALS, params={"cursor": cursor}).status_code == 422


def test_changes_come_as_they_happen(plane: Plane, member: httpx.Client) -> None:
    first = plane.raise_("r1").approval
    start = member.get(APPROVALS).json()["revision"]
    assert member.get(f"{APPROVALS}/changes", params={"after": start}).json() == {"revision": start, "approvals": []}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(member.get, f"{APPROVALS}/changes", params={"after": start, "wait": 20})
        vote(member, first)
        changed = waiting.result().json()
    assert [(one["id"], one["status"]) for one in changed["approvals"]] == [(first, "approved")]
    assert changed["revision"] > start
    anew = member.get(f"{APPROVALS}/changes", params={"after": 10**6}).json()
    assert [one["id"] for one in anew["approvals"]] == [first], "a revision of another database begins anew"


def test_an_approval_that_is_not_there(member: httpx.Client) -> None:
    for answer in (member.get(f"{APPROVALS}/apr_1"), vote(member, "apr_1"), member.delete(f"{APPROVALS}/remembered/x")):
        assert answer.status_code == 404


# --- who may answer


def test_a_double_click_is_told_how_it_stands(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1")
    assert vote(member, asked.approval).json()["status"] == "approved"
    late = vote(member, asked.approval, "deny")
    assert (late.status_code, late.json()["code"]) == (409, "already_answered")
    assert late.json()["approval"]["status"] == "approved"
    assert plane.consume(asked.approval, "r1").standing is Standing.RELEASED


def test_approve_and_deny_at_once_have_one_winner(server: Running, plane: Plane, member: httpx.Client) -> None:
    admin = server.person(Role.ADMIN)
    for number in range(10):
        asked = plane.raise_(f"r{number}", f"d{number}")
        with ThreadPoolExecutor(2) as pool:
            answers = [
                pool.submit(vote, client, asked.approval, word)
                for client, word in ((member, "approve"), (admin, "deny"))
            ]
        assert sorted(answer.result().status_code for answer in answers) == [200, 409]


def test_viewers_and_lower_roles_than_the_rule_asks_for_do_not_vote(
    server: Running, plane: Plane, member: httpx.Client
) -> None:
    server.person(Role.ADMIN)
    asked = plane.raise_("r1", requirement=Requirement(role=Role.ADMIN))
    refused = vote(member, asked.approval)
    assert (refused.status_code, refused.json()["required_role"], refused.json()["your_role"]) == (
        403,
        "admin",
        "member",
    )
    refused = vote(server.person(Role.VIEWER), asked.approval)
    assert (refused.status_code, refused.json()["required_role"]) == (403, "member")


def test_a_token_without_the_scope_does_not_vote(server: Running, plane: Plane, owner: httpx.Client) -> None:
    asked = plane.raise_("r1")
    wish = {"name": "manager", "password": PASSWORD, "scopes": ["read", "manage", "kill_switch"]}
    client = server.client(owner.post("/api/dashboard/tokens", json=wish).json()["token"])
    refused = vote(client, asked.approval)
    assert (refused.status_code, refused.json()["required_scope"]) == (403, "approve")


def test_whoever_is_alone_answers_for_his_own_agents(plane: Plane, owner: httpx.Client) -> None:
    assert vote(owner, plane.raise_("r1").approval).json()["status"] == "approved"


def test_with_two_people_the_maker_of_the_agent_does_not_answer(
    plane: Plane, owner: httpx.Client, member: httpx.Client
) -> None:
    asked = plane.raise_("r1")
    refused = vote(owner, asked.approval)
    assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes")
    assert vote(owner, asked.approval, "deny").status_code == 403
    assert vote(member, asked.approval).status_code == 200


def test_whoever_made_the_token_of_the_run_does_not_answer_either(
    server: Running, plane: Plane, owner: httpx.Client, member: httpx.Client
) -> None:
    admin = server.person(Role.ADMIN)
    token = admin.post(f"/api/dashboard/gateways/{plane.name}/tokens", json={}).json()["id"]
    asked = plane.raise_("r1", token=token)
    assert vote(admin, asked.approval).json()["code"] == "four_eyes"
    assert vote(member, asked.approval).status_code == 200


def test_the_vote_of_somebody_who_was_suspended_is_void(server: Running, plane: Plane, member: httpx.Client) -> None:
    admin = server.person(Role.ADMIN)
    asked = plane.raise_("r1")
    assert vote(member, asked.approval).json()["status"] == "approved"
    suspend(server, "Member")
    assert plane.consume(asked.approval, "r1").standing is Standing.PENDING
    shown = admin.get(f"{APPROVALS}/{asked.approval}").json()
    assert (shown["status"], shown["still_needed"], len(shown["votes"])) == ("pending", 1, 1)
    vote(admin, asked.approval)
    assert plane.consume(asked.approval, "r1").standing is Standing.RELEASED


def test_a_later_vote_replaces_the_earlier_one(server: Running, plane: Plane, member: httpx.Client) -> None:
    server.person(Role.ADMIN)
    asked = plane.raise_("r1", requirement=Requirement(quorum=2))
    vote(member, asked.approval)
    assert vote(member, asked.approval).json()["still_needed"] == 1, "one person counts once"
    shown = vote(member, asked.approval, "deny", reason="on second thoughts").json()
    assert (shown["status"], len(shown["votes"])) == ("denied", 1)


# --- remembered answers


def remembered(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{APPROVALS}/remembered").json()["remembered"]
    return found


def published(server: Running, plane: Plane) -> list[str]:
    """Ids of the remembered answers that the next configuration of a proxy holds."""

    def build(connection: Connection) -> list[str]:
        served = server.services.configuration._served(connection, proxy_named(connection, "edge"))
        parts = Parts(connection, [gateway.id for gateway in served], int(server.clock.now))
        return [one.id for gateway in served for one in parts.config(gateway).remembered]

    return server.services.database.read_now(build)


def test_an_answer_is_remembered_published_and_forgotten(server: Running, plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1", actions=(CALL,))
    before = plane.version
    vote(member, asked.approval, remember="hour")
    (one,) = remembered(member)
    now = int(server.clock.now)
    assert (one["approval"], one["by"], one["run"], one["expires_at"]) == (asked.approval, ["Member"], "", now + 3600)
    assert one["actions"] == [{"type": "slack.message.send", "resource": {"channel": "C1"}}]
    assert published(server, plane) == [one["id"]]
    assert plane.version == before + 1
    (told,) = plane.told()
    assert told.version == before + 1, "who was let go works by it"
    assert member.delete(f"{APPROVALS}/remembered/{one['id']}").status_code == 204
    assert remembered(member) == published(server, plane) == []
    assert plane.version == before + 2


def test_an_answer_for_a_run_names_it(plane: Plane, member: httpx.Client) -> None:
    vote(member, plane.raise_("r1", actions=(CALL,)).approval, remember="run")
    assert [one["run"] for one in remembered(member)] == ["run_1"]
    refused = vote(member, plane.raise_("r2", "d2", actions=(CALL,), run="").approval, remember="run")
    assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "remember")


def test_answers_about_money_are_remembered_only_where_the_rule_says_so(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1")
    refused = vote(member, asked.approval, remember="hour")
    assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "remember")
    assert member.get(f"{APPROVALS}/{asked.approval}").json()["status"] == "pending"
    vote(member, plane.raise_("r2", "d2", Requirement(remember=True)).approval, remember="hour")
    assert len(remembered(member)) == 1


def test_an_answer_that_would_cover_everything_is_not_remembered(plane: Plane, member: httpx.Client) -> None:
    """Slack's methods take the channel as a field: the answer for one channel would do for all."""
    call = HeldAction("slack.message.send", "medium", "write", {}, {"channel": "C1", "text": "hello"})
    asked = plane.raise_("r1", actions=(CALL, call))
    assert member.get(f"{APPROVALS}/{asked.approval}").json()["rememberable"] == []
    assert vote(member, asked.approval, remember="hour").status_code == 422
    unknown = HeldAction("github.unknown.post", "high", "write", {"host": "api.github.com", "path": "/graphql"}, {})
    asked = plane.raise_("r3", "d3", actions=(unknown,))
    assert vote(member, asked.approval, remember="hour").status_code == 422
    vote(member, plane.raise_("r2", "d2", Requirement(remember=True), actions=(call,)).approval, remember="hour")
    assert len(remembered(member)) == 1


def test_everybody_who_agrees_must_choose_it(server: Running, plane: Plane, member: httpx.Client) -> None:
    admin = server.person(Role.ADMIN)
    two = Requirement(quorum=2)
    for digest, first, second, expected in (
        ("d1", "hour", "none", None),
        ("d2", "hour", "run", "run_1"),
        ("d3", "hour", "hour", ""),
    ):
        asked = plane.raise_(digest, digest, two, actions=(CALL,))
        vote(member, asked.approval, remember=first)
        vote(admin, asked.approval, remember=second)
        found = {one["approval"]: one["run"] for one in remembered(member)}
        assert found.get(asked.approval) == expected


def test_it_ends_with_its_hour(server: Running, plane: Plane, member: httpx.Client) -> None:
    vote(member, plane.raise_("r1", actions=(CALL,)).approval, remember="hour")
    server.clock.now += 3600
    assert remembered(member) == published(server, plane) == []


@pytest.mark.parametrize("change", ["rule", "connector", "level"])
def test_it_ends_when_what_was_agreed_under_changes_and_does_not_come_back(
    server: Running, plane: Plane, owner: httpx.Client, member: httpx.Client, change: str
) -> None:
    vote(member, plane.raise_("r1", actions=(CALL,)).approval, remember="hour")
    gateway = "/api/dashboard/gateways/main"
    assert owner.patch(gateway, json={"rate_limit_per_minute": 99}).status_code == 200
    assert len(remembered(member)) == 1, "what has nothing to do with it leaves it alone"
    rule = {"connector": "stripe", "pattern": "stripe.*", "decision": "require_approval"}
    if change == "rule":
        made = owner.post(f"{gateway}/rules", json=rule).json()
        owner.delete(f"{gateway}/rules/{made['id']}")
    elif change == "connector":
        owner.patch(f"{gateway}/connectors/stripe", json={"identify": True})
        owner.patch(f"{gateway}/connectors/stripe", json={"identify": False})
    else:
        owner.patch(gateway, json={"level": "soft_enforce"})
        owner.patch(gateway, json={"level": "full_enforce"})
    assert remembered(member) == published(server, plane) == []


# --- what became of it


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


# --- what people read


def test_an_argument_does_not_stand_in_for_what_is_done(plane: Plane, member: httpx.Client) -> None:
    """An agent names its parameters and their values as it likes; each stands beside what the connector found."""
    resource = {"path": "/mcp", "tool": "delete_all"}
    parameters = {"path": "/tmp/a", "tool": "read_file", "note": "hi, tool=list_files"}
    action = HeldAction("mcp.tools.delete_all", "medium", "write", resource, parameters)
    asked = plane.raise_("r1", actions=(action,))
    sentence = member.get(f"{APPROVALS}/{asked.approval}").json()["sentence"]
    assert 'with path=/mcp, tool=delete_all, path=/tmp/a, tool=read_file, note="hi, tool=list_files"' in sentence


def test_many_values_do_not_push_the_rest_of_the_sentence_away(plane: Plane, member: httpx.Client) -> None:
    action = HeldAction("http.post", "medium", "write", {"path": "/x"}, {f"f{n}": "x" for n in range(100)})
    asked = plane.raise_("r1", actions=(action,) * 7, unshown="long values are cut")
    sentence = member.get(f"{APPROVALS}/{asked.approval}").json()["sentence"]
    assert "f10=x, and 89 more; `http.post`" in sentence
    assert "; and 2 more (POST " in sentence
    assert sentence.endswith("long values are cut")


def test_people_are_told_that_they_do_not_see_everything(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1", unshown="a body of 9 bytes: it is neither a form nor JSON", body_size=9)
    shown = member.get(f"{APPROVALS}/{asked.approval}").json()
    assert (shown["unshown"], shown["body_size"]) == ("a body of 9 bytes: it is neither a form nor JSON", 9)
    assert shown["sentence"].endswith("not shown here: a body of 9 bytes: it is neither a form nor JSON")
