"""Policies by the command line: stored from files, compared, switched, restored, deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Ended
from tests.cli.installation import Person

from tameflare.demo.product import wait_until

Tf = Callable[..., Ended]
DENY = "name: {name}\nscope: {{action_types: [openai.model.*]}}\nrules:\n  - {{name: all, decision: {decision}}}\n"


@pytest.fixture
def folder(owner: Person, tf: Tf, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This process stands where the owner stands, with a folder for policies; they go with it."""
    for name, value in owner.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.chdir(owner.project)
    place = owner.project / "policies"
    place.mkdir()
    yield place
    for file in place.iterdir():
        file.unlink()
    place.rmdir()
    for policy in stored(tf):
        assert tf("policy", "delete", policy["name"], "--yes").code == 0


def stored(tf: Tf, *words: str) -> Any:
    ended = tf("policy", *(words or ("list",)), "--json")
    assert ended.out, ended.err
    return json.loads(ended.out)


def passes(tf: Tf) -> bool:
    """Whether the proxy lets through what the policies here are about."""
    return tf("connector", "test", "openai").code == 0


def write(folder: Path, name: str, decision: str = "deny") -> None:
    (folder / f"{name}.yaml").write_text(DENY.format(name=name, decision=decision))


def test_files_are_stored_and_in_force_when_the_command_ends(tf: Tf, folder: Path) -> None:
    assert tf("policy", "list").out.startswith("no policies; ")
    write(folder, "first")
    write(folder, "second", "allow")
    preview = tf("policy", "apply", "policies", "--dry-run")
    assert "+++ first@1" in preview.out
    assert preview.err == "2 policies would change; nothing is stored\n"
    assert stored(tf) == []
    assert tf("policy", "apply", "policies").out == "created  first (version 1)\ncreated  second (version 1)\n"
    assert not passes(tf)
    assert tf("policy", "diff", "policies", "--exit-code") == Ended(0, "", "no difference\n")
    write(folder, "first", "allow")
    differs = tf("policy", "diff", "policies", "--exit-code")
    assert (differs.code, "-  - {name: all, decision: deny}" in differs.out) == (1, True)
    assert tf("policy", "apply", "policies").out == "updated  first (version 1 → 2)\n"
    assert passes(tf)
    assert tf("policy", "apply", "policies").err == "nothing changed\n"


def test_versions_are_kept_compared_and_restored(tf: Tf, folder: Path) -> None:
    for decision in ("deny", "allow"):
        write(folder, "kept", decision)
        assert tf("policy", "apply", "policies/kept.yaml").code == 0
    assert tf("policy", "restore", "kept", "1").err == "policy `kept` is at version 3, with the text of version 1\n"
    assert not passes(tf)
    versions = [row["origin"] for row in stored(tf, "versions", "kept")]
    assert versions == ["restored 1", "saved", "saved"]
    assert "+  - {name: all, decision: allow}" in tf("policy", "versions", "kept", "--diff", "1", "2").out
    assert tf("policy", "show", "kept", "--version", "2").out == DENY.format(name="kept", decision="allow")
    gone = tf("policy", "delete", "kept", "--yes")
    assert gone.err == "policy `kept` deleted; `tf policy restore kept 3` brings it back\n"
    assert passes(tf)
    missing = tf("policy", "show", "kept")
    assert (missing.code, missing.err.startswith("tf: there is no policy `kept`; ")) == (1, True)
    assert tf("policy", "restore", "kept", "3").code == 0
    assert stored(tf, "show", "kept")["version"] == 4


def test_a_policy_is_switched_and_pruned_after_a_question(tf: Tf, folder: Path) -> None:
    write(folder, "switched")
    write(folder, "other", "allow")
    tf("policy", "apply", "policies")
    assert "say so by `--yes`" in tf("policy", "disable", "switched").err
    assert tf("policy", "disable", "switched", "--yes").err == "policy `switched` is switched off\n"
    assert passes(tf)
    assert "switched off" in tf("policy", "list").out
    assert tf("policy", "enable", "switched").err == "policy `switched` is on\n"
    assert not passes(tf)
    (folder / "switched.yaml").unlink()
    refused = tf("policy", "apply", "policies", "--prune")
    assert (refused.code, "say so by `--yes`" in refused.err) == (2, True)
    assert tf("policy", "apply", "policies", "--prune", "--yes").out == "deleted  switched (version 1)\n"
    assert passes(tf)


def test_faults_come_all_at_once_by_file_and_line(tf: Tf, folder: Path) -> None:
    write(folder, "good")
    (folder / "bad.yaml").write_text("name: bad\nrules:\n  - {name: r, decision: denny}\n---\nname: worse\n")
    asks = "name: asks\nrules: [{name: r, decision: requires_approval, approval: {approver_groups: [nobody]}}]\n"
    (folder / "group.yaml").write_text(asks)
    told = tf("policy", "apply", "policies")
    places = [line.split(" ")[0] for line in told.out.splitlines()]
    assert told.code == 1
    assert places == ["policies/bad.yaml:3:25:", "policies/bad.yaml:5:1:", "policies/group.yaml:2:77:"]
    assert told.err == "3 faults; nothing is stored\n"
    assert [fault["line"] for fault in stored(tf, "apply", "policies")["faults"]] == [3, 5, 2]
    assert stored(tf) == []


def test_what_is_on_record_is_replayed(tf: Tf, folder: Path) -> None:
    write(folder, "candidate")
    assert passes(tf)
    found: dict[str, Any] = {}

    def is_on_record() -> bool:
        found.update(stored(tf, "replay", "policies", "--since", "1h"))
        return bool(found["differences"])

    wait_until(is_on_record, "the record", 15)
    newest = found["differences"][0]
    assert (newest["was"], newest["becomes"]) == ("allow", "deny")
    assert newest["because"][-1] == "policy:candidate@1:all"
    told = tf("policy", "replay", "policies", "--last", "50", "--exit-code")
    assert (told.code, "candidate@1:all" in told.out) == (1, True)
    assert " change, 0 cannot be told\n" in told.err
    assert tf("policy", "replay", "policies", "--since", "yesterday").code == 2
    write(folder, "candidate", "allow")
    alone = stored(tf, "replay", "policies", "--alone", "--since", "1h")
    assert not [each for each in alone["differences"] if each["becomes"] != "allow"]
    assert stored(tf) == []
