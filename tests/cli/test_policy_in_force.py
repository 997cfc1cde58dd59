"""The whole product works by its policies: what they ask for is asked, and one that broke denies its scope alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.conftest import Ended
from tests.cli.installation import Person
from tests.support.waiting import wait_for

Tf = Callable[..., Ended]
MODELS = "https://api.openai.com/v1/models"
FILES = "https://api.openai.com/v1/files"
POLICY = """name: models
scope: {action_types: [openai.model.*]}
rules:
  - name: ask
    decision: requires_approval
    reason: Somebody must see this
"""


@pytest.fixture
def policy(owner: Person, tf: Tf, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A policy that is stored, and its file."""
    for name, value in owner.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.chdir(owner.project)
    file = owner.project / "models.yaml"
    file.write_text(POLICY)
    assert tf("policy", "apply", "models.yaml").code == 0
    yield file
    file.unlink()
    assert tf("policy", "delete", "models", "--yes").code == 0


def asked(owner: Person, *urls: str) -> list[str]:
    """The statuses of what an agent is answered."""
    form = ("-sS", "-o", "/dev/null", "-w", "%{http_code} ")
    ended = owner.tf("run", "-q", "--", "curl", *form, *(word for url in urls for word in (url, "-o", "/dev/null")))
    return ended.stdout.split()


@pytest.mark.usefixtures("policy")
def test_what_a_policy_asks_for_waits_for_people(owner: Person, tf: Tf) -> None:
    with owner.start("run", "-q", "--", "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", MODELS) as agent:
        (pending,) = wait_for(lambda: json.loads(tf("approvals", "list", "--json").out), "the approval")
        assert pending["actions"][0]["type"] == "openai.model.list"
        assert tf("approvals", "approve", pending["id"]).code == 0
        out, _ = agent.communicate(timeout=20)
    assert out == "200"
    row = wait_for(lambda: json.loads(tf("logs", "--last", "1", "--json").out or "{}"), "the record")
    assert [word.partition("@")[0] for word in row["matched"][1:]] == ["policy:models", f"approval:{pending['id']}"]


def test_one_that_broke_denies_its_scope_and_nothing_else(owner: Person, tf: Tf, policy: Path) -> None:
    """As after an upgrade to a version that reads policies otherwise."""
    store = owner.product.directory / "data" / "server" / "tameflare.db"
    with closing(sqlite3.connect(store, timeout=10)) as raw, raw:
        raw.execute("UPDATE policy_versions SET source = ?", (POLICY.replace("requires_approval", "ask"),))
    assert tf("gateways", "set", "my-agent", "--rate-limit", "5000").code == 0
    assert asked(owner, MODELS, FILES) == ["403", "404"], "the double has no files, and was asked for them"
    assert "broken: denies its scope" in tf("policy", "list").out
    assert "policy `models` no longer compiles, so that its whole scope is denied: 5:15: " in tf("doctor").out
    policy.write_text(POLICY.replace("requires_approval", "allow"))
    assert tf("policy", "apply", "models.yaml").code == 0
    assert asked(owner, MODELS) == ["200"]
    assert "no longer compiles" not in tf("doctor").out
