"""Sets of policies: what no longer compiles, and what scopes cover."""

from __future__ import annotations

import pytest
from tests.support.policy_sets import compiled, rule, says

from tameflare.core.config import PolicyConfig
from tameflare.core.decision import Reason, Verdict
from tameflare.core.policy import model
from tameflare.core.policy.compile import EMPTY, compile_policies, compile_set
from tameflare.core.policy.model import Operator, Policy, Scope, Total
from tameflare.core.policy.verdict import SILENT

ALLOW, DENY, ASK = Verdict.ALLOW, Verdict.DENY, Verdict.REQUIRES_APPROVAL
MERGE = "github.pr.merge"
GITHUB = Scope(action_types=("github.*",))
PLAIN = "name: plain\nrules:\n  - {name: r, decision: deny, conditions: {field: type, operator: equals, value: %s}}\n"
SPENT = Total("parameters.amount", 86400)


def test_no_policies_say_nothing() -> None:
    assert EMPTY.candidates("main", "github", "bot", "production", MERGE) is None
    assert len(EMPTY) == 0


# --- what does not compile


def test_a_policy_that_no_longer_compiles_denies_the_scope_that_was_stored() -> None:
    found = compile_set([PolicyConfig("1", "broken", 4, "rules: [", GITHUB)], "UTC")
    (problem,) = found.problems
    assert (problem.name, problem.version) == ("broken", 4)
    assert problem.diagnostics
    verdict = says(found)
    assert (verdict.verdict, verdict.reason, verdict.matched) == (DENY, Reason.ENGINE_ERROR, ("policy:broken@4",))
    assert "`broken@4` no longer compiles" in verdict.message
    assert says(found, "stripe.refund.create") is SILENT


@pytest.mark.parametrize("scope", [None, Scope(action_types=("git hub.*",))])
def test_where_the_scope_too_is_unreadable_everything_is_denied(scope: Scope | None) -> None:
    found = compile_set([PolicyConfig("1", "broken", 4, "rules: [", scope)], "UTC")
    assert says(found, "stripe.refund.create").reason is Reason.ENGINE_ERROR
    assert says(found, "github.unknown.post").reason is Reason.ENGINE_ERROR


def test_a_broken_policy_does_not_disturb_the_others() -> None:
    broken = PolicyConfig("1", "broken", 1, "rules: [", Scope(action_types=("email.*",)))
    found = compile_set([broken, PolicyConfig("2", "plain", 1, PLAIN % MERGE)], "UTC")
    assert says(found).matched == ("policy:plain@1:r",)
    assert says(found, "email.send").matched == ("policy:broken@1",)


def test_what_the_engine_cannot_do_is_denied_like_what_it_cannot_read() -> None:
    test = model.Test("parameters.a", Operator.MATCHES, "(", line=7)
    policy = Policy("odd", (rule(ALLOW, condition=test),), scope=GITHUB)
    found = compile_policies([(PolicyConfig("1", "odd", 1, "", GITHUB), policy)])
    assert found.problems[0].diagnostics[0].line == 7
    assert says(found).reason is Reason.ENGINE_ERROR


def test_a_policy_that_is_switched_off_says_nothing() -> None:
    assert says(compiled(Policy("off", (rule(DENY),), enabled=False))) is SILENT


def test_in_a_zone_that_there_is_not_what_reads_the_time_is_an_error() -> None:
    source = PLAIN.replace(
        "field: type, operator: equals, value: %s", "field: time.hour, operator: less_than, value: 9"
    )
    found = compile_set(
        [PolicyConfig("1", "clock", 1, source), PolicyConfig("2", "plain", 1, PLAIN % MERGE)], "Nowhere/At"
    )
    assert not found.problems
    assert says(found, "email.send").reason is Reason.ENGINE_ERROR
    assert says(found).reason is Reason.POLICY_DENY


# --- scopes


@pytest.mark.parametrize(
    ("scope", "is_covered"),
    [
        (Scope(), True),
        (Scope(agents=("b*",)), True),
        (Scope(agents=("deploy-*",)), False),
        (Scope(agents=("deploy-*", "bot")), True),
        (Scope(gateways=("main",), connectors=("git*",)), True),
        (Scope(gateways=("other",)), False),
        (Scope(connectors=("stripe",)), False),
        (Scope(action_types=("github.pr.merge",)), True),
        (Scope(action_types=("github.pr.*",)), True),
        (Scope(action_types=("github.*.create",)), False),
        (Scope(action_types=("*.pr.merge",)), True),
        (Scope(action_types=("git*.pr.merge",)), True),
        (Scope(action_types=("*",)), True),
        (Scope(action_types=("**",)), True),
        (Scope(action_types=("github.pr",)), False),
        (Scope(environments=("production",)), True),
        (Scope(environments=("staging",)), False),
        (Scope(environments=("staging",), agents=("bot",)), False),
    ],
)
def test_a_scope_covers(scope: Scope, is_covered: bool) -> None:
    assert (says(compiled(Policy("p", (rule(DENY),), scope=scope))).verdict is DENY) is is_covered


def test_an_unknown_route_is_covered_only_by_who_means_it() -> None:
    scopes = {"vendor": ("github.*",), "unknown": ("github.unknown.*",), "all": ("**",), "none": ()}
    found = compiled(*[Policy(name, (rule(DENY),), scope=Scope(action_types=types)) for name, types in scopes.items()])
    matched = says(found, "github.unknown.post").matched
    assert matched == ("policy:all@2:r", "policy:none@2:r", "policy:unknown@2:r")


def test_the_resources_environment_brings_into_scope_what_forbids_and_never_what_allows() -> None:
    scope = Scope(environments=("production",))
    found = compiled(Policy("p", (rule(DENY, "no"), rule(ALLOW, "yes")), scope=scope))
    in_production = says(found)
    assert in_production.matched == ("policy:p@2:no", "policy:p@2:yes")
    said = says(found, environment="staging", resource={"environment": "production"})
    assert said.matched == ("policy:p@2:no",)
    assert says(found, environment="staging", resource={"environment": "staging"}) is SILENT
    assert says(found, environment="staging") is SILENT
    unreadable = says(found, environment="staging", resource={"environment": ["production"]})
    assert unreadable.reason is Reason.ENGINE_ERROR
    assert "resource.environment" in unreadable.message


def test_types_that_no_rule_tells_apart_share_what_is_kept_and_each_is_told_its_own_name() -> None:
    """An agent may ask about ever new types."""
    elsewhere = Policy("p", (rule(Verdict.DENY),), scope=Scope(environments=("production",)))
    named = Policy("q", (rule(Verdict.DENY, condition=model.Test("type", Operator.EQUALS, "mcp.tools.c")),))
    found = compiled(elsewhere, named)
    kept = [found.candidates("main", "github", "bot", "staging", f"mcp.tools.{name}") for name in "abc"]
    assert kept[0] is kept[1]
    assert kept[2] is not kept[1]
    for name in "ab":
        said = says(found, f"mcp.tools.{name}", "staging", resource={"environment": "production"})
        assert said.message == f"`mcp.tools.{name}` is denied by policy `p@2`, rule `r`"
