"""Policies over HTTP: checked whole, stored whole, every version kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from tests.control.running import KEY, Running, running

from tameflare.control.store import groups
from tameflare.core.policy.known import Known
from tameflare.core.roles import Role

ON_BOTH = True

POLICIES = "/api/dashboard/policies"
FAULTY = """name: faulty
rules:
  - name: one
    decision: denny
  - name: two
    decision: requires_approval
    approval: {approver_groups: [nobody-knows]}
"""


def text(name: str, decision: str = "deny", more: str = "") -> str:
    return f"name: {name}\n{more}rules:\n  - name: all\n    decision: {decision}\n"


def put(client: httpx.Client, name: str, source: str, **more: Any) -> httpx.Response:
    return client.put(f"{POLICIES}/{name}", json={"source": source, **more})


def apply(client: httpx.Client, *texts: str, **more: Any) -> httpx.Response:
    files = [{"name": f"file-{number}.yaml", "text": each} for number, each in enumerate(texts)]
    return client.post(f"{POLICIES}/apply", json={"files": files, **more})


def kinds(answer: httpx.Response) -> dict[str, tuple[str, int, int]]:
    assert answer.status_code == 200, answer.text
    return {each["name"]: (each["kind"], each["before"], each["after"]) for each in answer.json()["changes"]}


def names(client: httpx.Client) -> list[str]:
    return [policy["name"] for policy in client.get(POLICIES).json()["items"]]


@pytest.fixture
def clean(owner: httpx.Client) -> Iterator[httpx.Client]:
    yield owner
    for name in names(owner):
        owner.delete(f"{POLICIES}/{name}")


def test_a_policy_is_stored_with_who_and_when_and_every_version_is_kept(server: Running, clean: httpx.Client) -> None:
    made = put(clean, "first", text("first", more="description: As it began\npriority: 7\n"))
    assert (made.status_code, made.headers["ETag"]) == (200, '"1"')
    told = made.json()
    assert (told["author"], told["created_at"], told["priority"]) == ("Owner", int(server.clock.now), 7)
    assert (told["in_force"], told["scope"]["action_types"]) == (True, [])
    server.clock.now += 60
    changed = put(clean, "first", text("first", "allow"), version=1).json()
    assert (changed["version"], changed["created_at"]) == (2, told["created_at"] + 60)
    assert put(clean, "first", text("first", "allow")).json()["version"] == 2
    versions = clean.get(f"{POLICIES}/first/versions").json()["items"]
    assert [(each["version"], each["origin"]) for each in versions] == [(2, "saved"), (1, "saved")]
    assert clean.get(f"{POLICIES}/first/versions/1").json()["source"] == told["source"]
    diff = clean.get(f"{POLICIES}/first/diff", params={"old": 1, "new": 2}).json()["diff"]
    assert "-    decision: deny\n+    decision: allow\n" in diff
    restored = clean.post(f"{POLICIES}/first/restore", json={"restore": 1, "version": 2}).json()
    assert (restored["version"], restored["source"]) == (3, told["source"])
    assert clean.get(f"{POLICIES}/first/versions").json()["items"][0]["origin"] == "restored 1"


def test_a_deleted_policy_keeps_its_versions_and_no_number_comes_twice(clean: httpx.Client) -> None:
    put(clean, "gone", text("gone"))
    assert clean.delete(f"{POLICIES}/gone").status_code == 204
    assert names(clean) == []
    assert clean.get(f"{POLICIES}/gone").status_code == 404
    assert clean.delete(f"{POLICIES}/gone").status_code == 404
    assert clean.get(f"{POLICIES}/gone/versions/1").json()["source"] == text("gone")
    assert clean.post(f"{POLICIES}/gone/restore", json={"restore": 1}).json()["version"] == 2
    clean.delete(f"{POLICIES}/gone")
    assert put(clean, "gone", text("gone"), version=0).json()["version"] == 3


def test_all_faults_of_all_policies_come_at_once_and_nothing_is_stored(clean: httpx.Client) -> None:
    answer = apply(clean, text("good"), FAULTY, text("twice") + "---\n" + text("twice"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_policy")
    found = [(fault["file"], fault["line"], fault["column"]) for fault in answer.json()["faults"]]
    assert found == [("file-1.yaml", 4, 15), ("file-1.yaml", 7, 34), ("file-2.yaml", 6, 1)]
    first, second, third = answer.json()["faults"]
    assert "did you mean `deny`?" in first["help"]
    assert "nobody-knows" in second["message"]
    assert third["message"] == "the policy `twice` is there twice"
    assert names(clean) == []
    one = put(clean, "faulty", FAULTY)
    assert [(fault["field"], fault["line"]) for fault in one.json()["faults"]] == [("source", 4), ("source", 7)]
    checked = clean.post(f"{POLICIES}/validate", json={"files": [{"text": text("good") + "---\n" + FAULTY}]}).json()
    assert (checked["valid"], [policy["valid"] for policy in checked["policies"]]) == (False, [True, False])
    assert [fault["line"] for fault in checked["policies"][1]["faults"]] == [9, 12]
    assert names(clean) == []


def test_a_set_is_previewed_stored_whole_and_pruned(clean: httpx.Client) -> None:
    assert kinds(apply(clean, text("a") + "---\n" + text("b"), dry_run=True)) == {
        "a": ("created", 0, 1),
        "b": ("created", 0, 1),
    }
    assert names(clean) == []
    apply(clean, text("a") + "---\n" + text("b"), text("c"))
    wanted = [text("a"), text("b", "allow"), text("d")]
    preview = apply(clean, *wanted, prune=True, dry_run=True)
    expected = {"a": ("unchanged", 1, 1), "b": ("updated", 1, 2), "c": ("deleted", 1, 0), "d": ("created", 0, 1)}
    assert kinds(preview) == expected
    assert {each["name"]: bool(each["diff"]) for each in preview.json()["changes"]} == {
        "a": False, "b": True, "c": True, "d": True,
    }  # fmt: skip
    with capture_logs() as logs:
        assert kinds(apply(clean, *wanted, prune=True)) == expected
    told = {(line["event"], line["policy"], line["version"]) for line in logs if "policy" in line}
    assert told == {("policy.updated", "b", 2), ("policy.deleted", "c", 1), ("policy.created", "d", 1)}
    assert names(clean) == ["a", "b", "d"]
    before = clean.get("/api/health").json()["version"]
    assert {change["kind"] for change in apply(clean, *wanted, prune=True).json()["changes"]} == {"unchanged"}
    assert clean.get("/api/health").json()["version"] == before


def test_of_people_who_change_the_same_version_one_wins(server: Running, clean: httpx.Client) -> None:
    put(clean, "shared", text("shared"))
    source = [text("shared", more=f"description: By number {number}\n") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda each: put(clean, "shared", each, version=1), source))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    lost = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (lost["code"], lost["policy"], lost["version"]) == ("version_conflict", "shared", 2)
    won = clean.get(f"{POLICIES}/shared").json()
    assert won["source"] in source
    assert [each["version"] for each in clean.get(f"{POLICIES}/shared/versions").json()["items"]] == [2, 1]
    put_if: dict[str, Any] = {"url": f"{POLICIES}/shared", "json": {"source": text("shared", "allow")}}
    assert clean.put(**put_if, headers={"If-Match": '"1"'}).status_code == 409
    assert clean.put(**put_if, headers={"If-Match": "yesterday"}).status_code == 422
    assert clean.delete(f"{POLICIES}/shared", params={"version": 1}).status_code == 409
    assert apply(clean, text("shared"), text("other"), versions={"shared": 2, "other": 7}).status_code == 409
    assert apply(clean, text("other"), versions={"other": 0}).status_code == 200
    assert clean.put(**put_if, headers={"If-Match": '"2"'}).json()["version"] == 3


def test_a_policy_is_switched_beside_its_source(clean: httpx.Client) -> None:
    put(clean, "switched", text("switched"))
    off = clean.patch(f"{POLICIES}/switched", json={"enabled": False}).json()
    assert (off["enabled"], off["active"], off["in_force"]) == (False, True, False)
    assert put(clean, "switched", text("switched", "allow")).json()["in_force"] is False
    assert clean.patch(f"{POLICIES}/switched", json={"enabled": True}).json()["in_force"] is True
    quiet = put(clean, "quiet", text("quiet", more="enabled: false\n")).json()
    assert (quiet["enabled"], quiet["active"], quiet["in_force"]) == (True, False, False)
    refused = clean.patch(f"{POLICIES}/quiet", json={"enabled": True})
    assert (refused.status_code, refused.json()["faults"][0]["help"]) == (422, "change it there")


def test_who_may_do_what(server: Running, clean: httpx.Client) -> None:
    put(clean, "seen", text("seen"))
    viewer, admin = server.person(Role.VIEWER), server.person(Role.ADMIN)
    assert viewer.get(f"{POLICIES}/seen").json()["source"] == text("seen")
    refused = [
        put(viewer, "seen", text("seen", "allow")),
        apply(viewer, text("seen", "allow"), dry_run=True),
        viewer.patch(f"{POLICIES}/seen", json={"enabled": False}),
        viewer.delete(f"{POLICIES}/seen"),
        viewer.post(f"{POLICIES}/seen/restore", json={"restore": 1}),
    ]
    assert {answer.status_code for answer in refused} == {403}
    assert put(admin, "seen", text("seen", "allow")).json()["author"] == "Admin"


def test_names_must_agree_and_what_is_no_policy_is_told(clean: httpx.Client) -> None:
    other = put(clean, "one", text("two"))
    assert (other.status_code, other.json()["faults"][0]["field"]) == (422, "source")
    assert put(clean, "empty", "").status_code == 422
    assert apply(clean).status_code == 422
    nothing = apply(clean, "# nothing here\n", prune=True)
    assert nothing.status_code == 422


def test_a_group_that_a_policy_names_stays(clean: httpx.Client) -> None:
    asks = "name: asks\nrules:\n  - {name: r, decision: requires_approval, approval: {approver_groups: [reviewers]}}\n"
    assert "`reviewers`" in put(clean, "asks", asks).json()["faults"][0]["message"]
    clean.post("/api/dashboard/groups", json={"name": "reviewers"})
    assert put(clean, "asks", asks).status_code == 200
    refused = clean.delete("/api/dashboard/groups/reviewers")
    assert (refused.status_code, refused.json()["used_by"]) == (409, ["policy `asks`"])
    clean.delete(f"{POLICIES}/asks")
    assert clean.delete("/api/dashboard/groups/reviewers").status_code == 204
    assert clean.post(f"{POLICIES}/asks/restore", json={"restore": 1}).status_code == 422


def test_what_was_checked_is_checked_again_where_groups_change_meanwhile(
    server: Running, clean: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group that a policy names goes between its check and its storing: the second check finds that."""
    asks = "name: late\nrules: [{name: r, decision: requires_approval, approval: {approver_groups: [leaving]}}]\n"
    clean.post("/api/dashboard/groups", json={"name": "leaving"})
    policies, known = server.services.policies, server.services.policies._known

    async def read_and_lose() -> Known:
        found = await known()
        if "leaving" in (found.groups or ()):
            group = server.services.database.read_now(lambda connection: groups.by_name(connection, "leaving"))
            assert group is not None
            await server.services.database.write(lambda connection: groups.remove(connection, group.id))
        return found

    monkeypatch.setattr(policies, "_known", read_and_lose)
    refused = put(clean, "late", asks)
    assert (refused.status_code, refused.json()["faults"][0]["message"]) == (422, "no group `leaving`")
    assert names(clean) == []


def test_how_many_there_may_be_and_how_long_is_a_setting(tmp_path: Path) -> None:
    limits = {"TF_MAX_POLICIES": "2", "TF_MAX_POLICY_BYTES": "100", "SETTINGS_ENCRYPTION_KEY": KEY}
    with running(tmp_path, limits) as server:
        owner = server.owner()
        assert apply(owner, text("a"), text("b")).status_code == 200
        many = put(owner, "c", text("c"))
        assert (many.status_code, many.json()["faults"][0]["message"]) == (422, "there would be 3 policies")
        assert put(owner, "b", text("b", "allow")).status_code == 200
        assert kinds(apply(owner, text("c"), text("a"), prune=True))["c"] == ("created", 0, 1)
        (long,) = put(owner, "a", text("a", more=f"description: {'x' * 80}\n")).json()["faults"]
        assert (long["line"], long["message"]) == (1, "a policy of 142 bytes")
