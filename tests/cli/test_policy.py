"""`tf policy lint`, `test` and `packs`: what works without a server."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Ended

from tameflare.core.policy import packs

Tf = Callable[..., Ended]
GOOD = "name: good\nrules:\n  - {name: a, decision: deny}\n"
BAD = "name: bad\nrules:\n  - {name: a, decision: block}\n  - {nam: b, decision: deny}\n"


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


# --- lint -------------------------------------------------------------------------------------------------------------


def test_lint_tells_every_fault_of_every_file(tf: Tf) -> None:
    Path("policies/deep").mkdir(parents=True)
    Path("policies/good.yaml").write_text(GOOD)
    Path("policies/deep/bad.yml").write_text(BAD)
    Path("policies/notes.txt").write_text("no policy")
    ended = tf("policy", "lint", "policies")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "policies/deep/bad.yml:3:25: no decision `block`; did you mean `deny`?",
        "policies/deep/bad.yml:4:6: a rule has no key `nam`; did you mean `name`?",
    ]
    assert ended.err == "2 policies, 2 faults\n"
    assert tf("policy", "lint", "policies/good.yaml") == Ended(0, "", "1 policy, no fault\n")


def test_lint_in_json(tf: Tf) -> None:
    Path("all.yaml").write_text(f"{GOOD}---\n{BAD}")
    ended = tf("policy", "lint", "all.yaml", "--json")
    told = json.loads(ended.out)
    assert (ended.code, ended.err) == (1, "")
    assert told["policies"] == ["good"]
    assert told["faults"][0] == {
        "file": "all.yaml",
        "line": 7,
        "column": 25,
        "message": "no decision `block`",
        "help": "did you mean `deny`?",
    }
    assert len(told["faults"]) == 2
    assert told["warnings"] == []


def test_lint_reads_standard_input(tf: Tf, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, packs.source("payments").encode())
    assert tf("policy", "lint", "-") == Ended(0, "", "1 policy, no fault\n")
    stdin(monkeypatch, b"")
    assert tf("policy", "lint", "-").out == "-:1:1: no policy; write at least `name` and `rules`\n"


def test_lint_tells_two_policies_of_one_name(tf: Tf) -> None:
    Path("a.yaml").write_text(GOOD)
    Path("b.yaml").write_text(f"# again\n---\n{GOOD}")
    ended = tf("policy", "lint", "a.yaml", "b.yaml")
    assert ended.out == "b.yaml:3:1: a second policy is called `good`; the first is in a.yaml:1\n"


def test_lint_doubts_action_types_that_no_vendor_has(tf: Tf) -> None:
    Path("a.yaml").write_text(
        "name: a\nscope: {action_types: ['github.pr.*', 'github.prs.*', 'stripe.unknown.*', mail.send]}\nrules:\n"
        "  - name: b\n    decision: deny\n    conditions:\n"
        "      any:\n"
        "        - {field: type, operator: in, value: [github.pr.mrege, github.pr.merge]}\n"
        "        - not: {field: type, operator: equals, value: slack.message.send}\n"
    )
    ended = tf("policy", "lint", "a.yaml")
    assert ended.code == 0
    assert ended.err.splitlines() == [
        "warning: a.yaml:2:40: no known action is `github.prs.*`; did you mean `github.pr.*`?",
        "warning: a.yaml:8:47: no known action is `github.pr.mrege`; did you mean `github.pr.merge`?",
        "1 policy, no fault",
    ]


def test_lint_doubts_rules_that_are_out_of_scope(tf: Tf) -> None:
    Path("a.yaml").write_text(
        "name: a\nscope: {action_types: ['github.*', mail.send]}\nrules:\n"
        "  - {name: in, decision: deny, conditions: {field: type, operator: in, value: [mail.send, mail.get]}}\n"
        "  - {name: out, decision: deny, conditions: {field: type, operator: in, value: [mail.list, mail.get]}}\n"
        "  - {name: other, decision: deny, conditions: [{field: type, operator: equals, value: stripe.refund.get}]}\n"
        "  - {name: odd, decision: deny, conditions: {field: type, operator: starts_with, value: github.unknown.}}\n"
        "  - {name: part, decision: deny, conditions: {field: type, operator: starts_with, value: git}}\n"
        "  - {name: any, decision: deny, conditions: {not: {field: type, operator: equals, value: mail.get}}}\n"
    )
    told = tf("policy", "lint", "a.yaml").err.splitlines()
    assert [line.partition(": the rule ")[2].partition(":")[0] for line in told[:-1]] == [
        "`out` never matches",
        "`other` never matches",
        "`odd` never matches",
    ]
    assert told[0].startswith("warning: a.yaml:5:1: ")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("none.yaml", None, "`none.yaml` cannot be read: No such file or directory"),
        ("latin.yaml", b"name: a\n# caf\xe9\n", "`latin.yaml` is no UTF-8, from line 2 on"),
        ("empty", ..., "no file in `empty` ends in .yaml or .yml"),
    ],
)
def test_lint_without_a_file_to_read(tf: Tf, name: str, content: object, expected: str) -> None:
    if isinstance(content, bytes):
        Path(name).write_bytes(content)
    elif content is not None:
        Path(name).mkdir()
    ended = tf("policy", "lint", name)
    assert ended.code == 2
    assert ended.err.startswith(f"tf: {expected}; ")


def test_no_text_of_a_policy_drives_the_terminal(tf: Tf) -> None:
    Path("a.yaml").write_text('name: "\\e[31m"\nrules:\n  - {name: a, decision: "\\e]0;x\\a"}\n')
    ended = tf("policy", "lint", "a.yaml")
    assert ended.code == 1
    assert "\x1b" not in ended.out + ended.err


# --- packs ------------------------------------------------------------------------------------------------------------


def test_packs_are_listed_shown_and_written(tf: Tf) -> None:
    listed = json.loads(tf("policy", "packs", "list", "--json").out)
    assert [each["name"] for each in listed] == packs.names()
    assert {"business-hours", "github-safe", "llm-spend", "mcp-safe", "payments", "read-only"} <= set(packs.names())
    assert all(each["description"] for each in listed)
    assert tf("policy", "packs", "show", "payments").out == packs.source("payments")
    assert tf("policy", "packs", "show", "payments", "--tests").out == packs.tests("payments")
    assert tf("policy", "packs", "write", "payments").code == 0
    assert Path("payments.yaml").read_text() == packs.source("payments")
    assert tf("policy", "test", "payments.policytest").code == 0
    assert tf("policy", "packs", "write", "payments", "new/policies").code == 0
    assert Path("new/policies/payments.yaml").read_text() == packs.source("payments")


def test_a_pack_is_not_written_over_what_is_there(tf: Tf) -> None:
    Path("payments.yaml").write_text("mine")
    ended = tf("policy", "packs", "write", "payments")
    assert ended.code == 2
    assert "`payments.yaml` is there already" in ended.err
    assert not Path("payments.policytest").exists()
    assert tf("policy", "packs", "write", "payments", "--force").code == 0
    assert Path("payments.yaml").read_text() == packs.source("payments")


def test_a_pack_that_there_is_not(tf: Tf) -> None:
    ended = tf("policy", "packs", "show", "payment")
    assert ended == Ended(2, "", "tf: no pack `payment`; did you mean `payments`?\n")


# --- test -------------------------------------------------------------------------------------------------------------

TRIAL = "----------\ntype: a.b\n----------\ndeny\n"
TRIALS = """\
files: [good.yaml]
----------
# everything is denied
type: shop.order
----------
deny
----------
# or is it
type: shop.order
----------
allow
"""


def test_trials_that_fail_are_told_with_what_came(tf: Tf) -> None:
    Path("in").mkdir()
    Path("in/good.yaml").write_text(GOOD)
    Path("in/good.policytest").write_text(TRIALS)
    ended = tf("policy", "test", "in")
    assert ended.code == 1
    assert ended.out.splitlines()[:2] == [
        "in/good.policytest:8: or is it: `allow` was expected, not `deny`",
        "    deny",
    ]
    assert ended.err == "2 trials, 1 failed\n"
    told = json.loads(tf("policy", "test", "in", "--json").out)
    assert (told["trials"], told["failed"]) == (2, 1)
    assert [each["passed"] for each in told["results"]] == [True, False]
    assert "everything is denied: as expected" in tf("policy", "test", "in", "-v").out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD, "`a.policytest` holds no trial; write policies, dashes, an action"),
        (f"{GOOD}{TRIAL}----------\ntype: a.b\n", "`a.policytest`, line 9: an action without what is expected of it"),
        (f"files: []\n{TRIAL}", "`a.policytest`, line 1: `files` is empty"),
        (f"pack: payment\n{TRIAL}", "no pack `payment`; did you mean `payments`?"),
        (f"files: [none.yaml]\n{TRIAL}", "`none.yaml` cannot be read: No such file or directory"),
    ],
)  # fmt: skip
def test_a_file_of_trials_that_is_none(tf: Tf, text: str, expected: str) -> None:
    Path("a.policytest").write_text(text)
    ended = tf("policy", "test", "a.policytest")
    assert ended.code == 2
    assert ended.err.startswith(f"tf: {expected}")


@pytest.mark.parametrize(
    ("action", "expected", "problem"),
    [
        ("typ: a.b", "deny", "line 5: an action has no key `typ`; did you mean `type`?"),
        ("type: a.b\nrisk: hihg", "deny", "line 6: no risk `hihg`; did you mean `high`?"),
        ("type: a.b\ntime: noon", "deny", "line 6: no time `noon`; write it as `"),
        ("type: a.b\ntimezone: Mars", "deny", "line 6: no time zone `Mars`; write an IANA name, as `Europe/Berlin`"),
        ("type: a.b\ntotals: {total(parameters.a): 5}", "deny", "line 6: a total has no window; write `window: 1d`"),
        ("request: github", "deny", "line 5: no request `github`; write it as `GET https://api.github.com/user`"),
        ("request: GET https://a.b/\nconnector_type: gitlab", "deny", "line 6: connector type `gitlab` is not known"),
        ("{", "deny", "line 6: no YAML: did not find expected node content; close the brackets"),
        ("type: a.b", "denied", "no verdict `denied`; did you mean `deny`?"),
        ("type: a.b", "deny\nbecause: of it", "no expectation `because`; write one of `approval`"),
        ("type: a.b", "deny\nmatched: good:b", "`matched: good:b` was expected, not `good:a`"),
    ],
)  # fmt: skip
def test_a_trial_that_cannot_be_read_fails(tf: Tf, action: str, expected: str, problem: str) -> None:
    Path("a.policytest").write_text(f"{GOOD}----------\n{action}\n----------\n{expected}\n")
    told = json.loads(tf("policy", "test", "a.policytest", "--json").out)
    (result,) = told["results"]
    assert result["problem"].startswith(problem)


def test_policies_with_faults_pass_no_trial(tf: Tf) -> None:
    Path("a.policytest").write_text(f"{BAD}----------\ntype: a.b\n----------\ndeny\n")
    ended = tf("policy", "test", "a.policytest")
    assert ended.code == 1
    assert "the policies: they have faults" in ended.out
    assert "no decision `block`" in ended.out
