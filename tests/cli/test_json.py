"""With `--json` every command prints one JSON document and nothing else: scripts can read each of them."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from tests.cli.conftest import Ended
from tests.cli.installation import PASSWORD, Person
from tests.cli.tree import LEAVES, WITHOUT_JSON, Path

from tameflare.demo.product import wait_until

Tf = Callable[..., Ended]
LINES = {("logs",), ("approvals", "watch")}
"""They print one object a line, also without end."""
ANSWERED = {
    ("approvals", "show"): 1,
    ("approvals", "approve"): 1,
    ("approvals", "deny"): 1,
    ("approvals", "forget"): 1,
    ("agents", "keys", "revoke"): 1,
}
"""Exit codes of what is asked for here and is not there."""
WAY = """
login --email ada@example.com --password-stdin
init
trust
status
config
doctor
gateways list
gateways set my-agent --rate-limit 121
connector types
connector add stripe --secret-stdin
connector list
connector credential stripe --secret-stdin
connector set stripe --no-identify
connector test openai
agents add json-bot
agents list
agents set json-bot --environment staging
agents suspend json-bot
agents activate json-bot
permissions set stripe stripe.refund.create --ask
permissions preset stripe allow-all
permissions list
permissions remove openai '**'
permissions preset openai allow-all
kill-switch on --scope connector:stripe
kill-switch status
kill-switch off --scope connector:stripe
approvals list
approvals remembered
approvals show apr_none
approvals approve apr_none
approvals deny apr_none
approvals forget rem_none
users add grace@example.com --name Grace --password-stdin
users list
actions github.pr.merge
policy packs list
policy packs show read-only
policy packs write read-only
policy lint read-only.yaml
policy test read-only.policytest
policy apply read-only.yaml --dry-run
policy replay read-only.yaml --since 1d
policy apply read-only.yaml
policy diff read-only.yaml
policy list
policy show read-only
policy versions read-only
policy disable read-only --yes
policy enable read-only
policy restore read-only 1
policy delete read-only --yes
groups add json-team
groups list
groups join json-team grace@example.com
groups members json-team
groups leave json-team grace@example.com
groups remove json-team
users role grace@example.com viewer
users suspend grace@example.com
users activate grace@example.com
agents keys add json-bot
agents keys list json-bot
agents keys revoke json-bot key_none --yes
agents asked
keys list
keys rotate
db status
db upgrade
agents remove json-bot --yes
connector remove stripe --yes
"""


def steps() -> list[list[str]]:
    return [shlex.split(line) for line in WAY.strip().splitlines()]


def path_of(words: list[str]) -> Path:
    return next(path for path in LEAVES if tuple(words[: len(path)]) == path)


@pytest.fixture
def as_owner(owner: Person, monkeypatch: pytest.MonkeyPatch) -> Person:
    """This very process stands where the owner stands."""
    for name, value in owner.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.chdir(owner.project)
    return owner


def test_the_way_leads_past_every_command() -> None:
    assert {path_of(words) for words in steps()} | LINES | WITHOUT_JSON == set(LEAVES)


def test_each_prints_one_document(as_owner: Person, tf: Tf, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in steps():
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        ended = tf(*words, "--json")
        assert ended.code == ANSWERED.get(path_of(words), 0), (words, ended)
        if ended.out:
            assert isinstance(json.loads(ended.out), dict | list), words
        else:
            assert {"error", "code", "help", "exit_code"} <= set(json.loads(ended.err.splitlines()[-1])), words
    for file in as_owner.project.glob("read-only.*"):
        file.unlink()


def test_logs_are_one_object_a_line(as_owner: Person, tf: Tf) -> None:
    assert tf("connector", "test", "openai").code == 0
    rows: list[Any] = []

    def written() -> bool:
        rows[:] = [json.loads(line) for line in tf("logs", "--last", "3", "--json").out.splitlines()]
        return bool(rows)

    wait_until(written, "a record", 15)
    assert {"decision", "action", "host"} <= set(rows[-1])
