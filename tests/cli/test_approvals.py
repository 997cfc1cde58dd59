"""`tf approvals`, `tf users` and the terms of `tf permissions set`, against a real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs
from tests.cli.conftest import Ended
from tests.control.holding import Plane
from tests.control.running import PASSWORD, Running, running

from tameflare.core.approval import Requirement
from tameflare.core.roles import Role
from tameflare.link.approvals import HeldAction, Standing

Tf = Callable[..., Ended]
CALL = HeldAction("slack.message.send", "medium", "public", {"channel": "C1"}, {"text": "hello \x1b[2J"})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """Its log would stand between the lines of the commands."""
    with capture_logs(), running(tmp_path / "server_data") as made:
        yield made


@pytest.fixture
def plane(server: Running, monkeypatch: pytest.MonkeyPatch) -> Plane:
    """The owner's gateway; the command line speaks for the owner."""
    owner = server.owner()
    speak(monkeypatch, server, owner)
    return Plane(server, owner)


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path) -> None:
    (tmp_path / "server_data").mkdir(mode=0o700)


def speak(monkeypatch: pytest.MonkeyPatch, server: Running, client: httpx.Client) -> None:
    """Have `tf` speak for this person; no proxy is there to be waited for."""
    monkeypatch.setenv("TF_SERVER_URL", server.url)
    monkeypatch.setenv("TF_TOKEN", client.headers["authorization"].removeprefix("Bearer "))
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:1")


def test_nothing_waits(plane: Plane, tf: Tf) -> None:
    assert tf("approvals", "list") == (0, "nothing waits for people\n", "")
    assert tf("approvals", "remembered") == (0, "no answer is remembered\n", "")


def test_listed_shown_and_approved_by_the_beginning_of_the_id(plane: Plane, tf: Tf) -> None:
    asked = plane.raise_("r1")
    listed = tf("approvals", "list").out
    assert asked.approval in listed
    assert "stripe.refund.create" in listed
    shown = tf("approvals", "show", asked.approval[:9]).out
    assert "amount = 500" in shown
    assert "needs      1 person of role member or above" in shown
    ended = tf("approvals", "approve", asked.approval[4:10])
    assert (ended.code, ended.err[:9]) == (0, "approved:")
    assert plane.consume(asked.approval, "r1").standing is Standing.RELEASED
    assert json.loads(tf("approvals", "list", "--status", "answered", "--json").out)[0]["id"] == asked.approval


def test_denied_with_a_reason_and_a_second_answer_comes_too_late(plane: Plane, tf: Tf) -> None:
    asked = plane.raise_("r1")
    assert "wrong customer" in tf("approvals", "deny", asked.approval, "-m", "wrong customer").err
    (told,) = plane.told()
    assert told.message == "wrong customer"
    late = tf("approvals", "approve", asked.approval)
    assert (late.code, late.err) == (
        1,
        f"tf: it is answered already: denied; see `tf approvals show {asked.approval}`\n",
    )


def test_a_beginning_that_means_several_is_refused(plane: Plane, tf: Tf) -> None:
    for number in range(2):
        plane.raise_(f"r{number}", f"d{number}")
    refused = tf("approvals", "approve", "apr_")
    assert (refused.code, refused.err) == (2, "tf: `apr_` is the beginning of 2 approvals; write more of the id\n")
    assert tf("approvals", "show", "apr_nothing").code == 1


def test_what_an_agent_sends_does_not_drive_the_terminal(plane: Plane, tf: Tf) -> None:
    asked = plane.raise_("r1", actions=(CALL,))
    for arguments in (("list",), ("show", asked.approval), ("show", asked.approval, "--json"), ("list", "--json")):
        assert "\x1b" not in tf("approvals", *arguments).out
    assert "\x1b" not in tf("approvals", "approve", asked.approval).err


def test_an_answer_is_remembered_listed_and_forgotten(plane: Plane, tf: Tf) -> None:
    asked = plane.raise_("r1", actions=(CALL,))
    assert tf("approvals", "approve", asked.approval, "--remember", "hour").code == 0
    (memory,) = json.loads(tf("approvals", "remembered", "--json").out)
    assert "slack.message.send" in tf("approvals", "remembered").out
    assert tf("approvals", "forget", memory["id"]).code == 0
    assert tf("approvals", "forget", memory["id"]).code == 1
    refused = tf("approvals", "approve", plane.raise_("r2", "d2").approval, "--remember", "hour")
    assert (refused.code, "answers about money" in refused.err) == (2, True)


def test_watch_prints_what_waits_and_what_changes(plane: Plane, tf: Tf) -> None:
    first = plane.raise_("r1", "d1").approval
    arguments = [sys.executable, "-m", "tameflare", "approvals", "watch", "--json"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as watching:
        assert watching.stdout is not None
        lines = (json.loads(line) for line in watching.stdout)
        assert next(lines)["id"] == first
        second = plane.raise_("r2", "d2").approval
        assert (next(lines)["id"], tf("approvals", "approve", second).code) == (second, 0)
        changed = next(lines)
        assert (changed["id"], changed["status"]) == (second, "approved")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 130


def test_four_eyes_can_be_had_by_the_command_line_alone(
    server: Running, plane: Plane, tf: Tf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", (Path(os.environ["HOME"]) / "password").open("w+"))
    sys.stdin.write(f"{PASSWORD}\n")
    sys.stdin.seek(0)
    added = tf("users", "add", "grace@example.com", "--name", "Grace", "--password-stdin")
    sys.stdin.close()
    assert (added.code, added.err) == (0, "`grace@example.com` added as member; they log in with `tf login`\n")
    assert "grace@example.com" in tf("users", "list").out
    asked = plane.raise_("r1")
    refused = tf("approvals", "approve", asked.approval)
    assert refused.code == 1
    assert refused.err.startswith("tf: you made this agent or the token of its run, and somebody else can answer; ")
    body = {"email": "grace@example.com", "password": PASSWORD}
    token = server.client().post("/api/dashboard/login", json=body).json()["token"]
    speak(monkeypatch, server, server.client(token))
    assert tf("approvals", "approve", asked.approval).code == 0
    assert tf("users", "list").code == 1


def test_roles_are_given_and_people_suspended(server: Running, plane: Plane, tf: Tf) -> None:
    server.person(Role.MEMBER)
    assert tf("users", "role", "member@example.com", "admin").err == "`member@example.com` is admin, active\n"
    assert json.loads(tf("users", "suspend", "member@example.com", "--json").out)["status"] == "suspended"
    assert tf("users", "activate", "member@example.com").code == 0
    assert tf("users", "role", "owner@example.com", "viewer").code == 1


def test_groups_are_made_and_asked_by_rules(server: Running, plane: Plane, tf: Tf) -> None:
    server.person(Role.MEMBER)
    assert tf("groups", "add", "security").code == 0
    assert tf("groups", "join", "security", "member@example.com").err == "`member@example.com` is in `security`\n"
    assert tf("groups", "join", "security", "nobody@example.com").code == 1
    assert [group["members"] for group in json.loads(tf("groups", "list", "--json").out)] == [1]
    assert "member@example.com" in tf("groups", "members", "security").out
    ask = (
        "permissions",
        "set",
        "stripe",
        "stripe.*",
        "--ask",
        "--group",
        "security",
        "--distinct",
        "--gateway",
        "main",
    )
    assert json.loads(tf(*ask, "--json").out)["approval"]["groups"] == ["security"]
    named = tf("groups", "remove", "security")
    assert (named.code, "is named by rule `stripe.*`" in named.err) == (1, True)
    asked = plane.raise_("r1", requirement=Requirement(groups=("security",)))
    shown = tf("approvals", "show", asked.approval).out
    assert "needs      1 person of role member or above in security" in shown
    assert "missing    1 of security" in shown
    assert tf("permissions", "remove", "stripe", "stripe.*", "--gateway", "main").code == 0
    assert tf("groups", "leave", "security", "member@example.com").code == 0
    assert tf("groups", "remove", "security").err == "group `security` removed\n"


def test_rules_ask_with_terms(plane: Plane, tf: Tf) -> None:
    options = ("--gateway", "main", "--json")
    asked = tf("permissions", "set", "stripe", "stripe.*", "--ask", "--quorum", "2", "--timeout", "3600", *options)
    terms = {
        "role": "member", "quorum": 2, "groups": [], "distinct": False, "timeout_seconds": 3600, "remember": False,
    }  # fmt: skip
    assert (json.loads(asked.out)["decision"], json.loads(asked.out)["approval"]) == ("requires_approval", terms)
    plain = tf("permissions", "set", "stripe", "stripe.*", "require_approval", "--approver-role", "owner", *options)
    assert json.loads(plain.out)["approval"]["role"] == "owner"
    assert json.loads(tf("permissions", "set", "stripe", "stripe.*", "allow", *options).out)["approval"] is None


@pytest.mark.parametrize(
    "arguments",
    [("allow", "--ask"), ("allow", "--quorum", "2"), (), ("--quorum", "2"), ("--ask", "--quorum", "0")],
)
def test_terms_that_contradict_are_a_wrong_usage(tf: Tf, arguments: tuple[str, ...]) -> None:
    ended = tf("permissions", "set", "stripe", "stripe.*", *arguments, "--gateway", "main")
    assert ended.code == 2
    assert ended.err.startswith("tf: ")


def test_a_watch_without_a_server_says_so(tf: Tf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_SERVER_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TF_TOKEN", "tfu_nobody")
    assert tf("approvals", "watch").code == 3
