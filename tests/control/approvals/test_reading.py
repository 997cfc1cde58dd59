"""Approvals as people read them, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.control.approvals.asking import APPROVALS, vote
from tests.control.holding import Plane
from tests.control.running import Running

from tameflare.core.approval import Requirement
from tameflare.core.roles import Role
from tameflare.link.approvals import HeldAction


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
        "requirement": {"role": "member", "groups": [], "quorum": 2, "distinct": False, "also": []},
        "needs": [{"group": None, "role": "member", "quorum": 2, "missing": 2}],
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
