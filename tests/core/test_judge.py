"""The judge: one readable table of enforcement levels, then what several actions come to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.judging import RATE_LIMIT, compiled

from tameflare.core.action import Action, Effect
from tameflare.core.decision import STRICTNESS, Decision, EnforcementLevel, Reason, Verdict
from tameflare.core.judge import at_level, judge, strictest
from tameflare.core.killswitch import MESSAGE, KillSwitch, ScopeKind
from tameflare.core.policy.facts import Circumstances

FULL, SOFT, MONITOR = EnforcementLevel.FULL_ENFORCE, EnforcementLevel.SOFT_ENFORCE, EnforcementLevel.MONITOR
ALLOW, DENY, ASK = Verdict.ALLOW, Verdict.DENY, Verdict.REQUIRES_APPROVAL

NOW = Circumstances(1_700_000_000.0)
MERGE = Action("github.pr.merge")
UNKNOWN = Action("github.unknown.post")

SITUATIONS = {
    # name: rules, actions, kill switch on, requests in the window
    "kill switch": ({"**": ALLOW}, [MERGE], True, 0),
    "rate": ({"**": ALLOW}, [MERGE], False, RATE_LIMIT),
    "engine error": ({"**": ALLOW}, [], False, 0),
    "written allow": ({"github.pr.*": ALLOW}, [MERGE], False, 0),
    "written deny": ({"github.pr.*": DENY}, [MERGE], False, 0),
    "written approval": ({"github.pr.*": ASK}, [MERGE], False, 0),
    "nothing written": ({"github.issue.*": ALLOW}, [MERGE], False, 0),
    "unknown route": ({"github.*": ALLOW}, [UNKNOWN], False, 0),
}

TABLE = [
    # situation           level    verdict  reason                          would be  warned
    ("kill switch",       FULL,    DENY,    Reason.KILL_SWITCH_ACTIVE,      DENY,     False),
    ("kill switch",       SOFT,    DENY,    Reason.KILL_SWITCH_ACTIVE,      DENY,     False),
    ("kill switch",       MONITOR, DENY,    Reason.KILL_SWITCH_ACTIVE,      DENY,     False),
    ("rate",              FULL,    DENY,    Reason.RATE_LIMITED,            DENY,     False),
    ("rate",              SOFT,    DENY,    Reason.RATE_LIMITED,            DENY,     False),
    ("rate",              MONITOR, DENY,    Reason.RATE_LIMITED,            DENY,     False),
    ("engine error",      FULL,    DENY,    Reason.ENGINE_ERROR,            DENY,     False),
    ("engine error",      SOFT,    DENY,    Reason.ENGINE_ERROR,            DENY,     False),
    ("engine error",      MONITOR, ALLOW,   Reason.MONITORED,               DENY,     True),
    ("written allow",     FULL,    ALLOW,   Reason.RULE_ALLOW,              ALLOW,    False),
    ("written allow",     SOFT,    ALLOW,   Reason.RULE_ALLOW,              ALLOW,    False),
    ("written allow",     MONITOR, ALLOW,   Reason.RULE_ALLOW,              ALLOW,    False),
    ("written deny",      FULL,    DENY,    Reason.RULE_DENY,               DENY,     False),
    ("written deny",      SOFT,    DENY,    Reason.RULE_DENY,               DENY,     False),
    ("written deny",      MONITOR, ALLOW,   Reason.MONITORED,               DENY,     True),
    ("written approval",  FULL,    ASK,     Reason.APPROVAL_REQUIRED,       ASK,      False),
    ("written approval",  SOFT,    ASK,     Reason.APPROVAL_REQUIRED,       ASK,      False),
    ("written approval",  MONITOR, ALLOW,   Reason.MONITORED,               ASK,      True),
    ("nothing written",   FULL,    DENY,    Reason.NO_RULE,                 DENY,     False),
    ("nothing written",   SOFT,    ALLOW,   Reason.UNWRITTEN_ALLOWED,       DENY,     True),
    ("nothing written",   MONITOR, ALLOW,   Reason.MONITORED,               DENY,     True),
    ("unknown route",     FULL,    DENY,    Reason.NO_RULE,                 DENY,     False),
    ("unknown route",     SOFT,    DENY,    Reason.NO_RULE,                 DENY,     False),
    ("unknown route",     MONITOR, ALLOW,   Reason.MONITORED,               DENY,     True),
]  # fmt: skip


@pytest.mark.parametrize(("situation", "level", "verdict", "reason", "would_be", "warned"), TABLE)
def test_levels(
    situation: str, level: EnforcementLevel, verdict: Verdict, reason: Reason, would_be: Verdict, warned: bool
) -> None:
    rules, actions, killed, used = SITUATIONS[situation]
    switches = (KillSwitch(ScopeKind.ALL),) if killed else ()
    gateway, agent, connector = compiled(level=level, rules=rules, switches=switches)
    found = judge(gateway, agent, connector, actions, used, NOW)
    assert (found.verdict, found.reason, found.would_be, found.warned) == (verdict, reason, would_be, warned)


def test_the_table_is_whole() -> None:
    assert {(situation, level) for situation, level, *_ in TABLE} == {
        (situation, level) for situation in SITUATIONS for level in EnforcementLevel
    }


@pytest.mark.parametrize(
    ("switch", "name"),
    [
        (KillSwitch(ScopeKind.ALL), "kill_switch:all"),
        (KillSwitch(ScopeKind.GATEWAY, "main"), "kill_switch:gateway:main"),
        (KillSwitch(ScopeKind.AGENT, "agent-1"), "kill_switch:agent:agent-1"),
        (KillSwitch(ScopeKind.CONNECTOR, "github"), "kill_switch:connector:github"),
    ],
)
def test_every_scope_of_the_kill_switch_stops_before_rate_and_rules(switch: KillSwitch, name: str) -> None:
    found = judge(*compiled(rules={"**": ALLOW}, switches=(switch,)), [MERGE], RATE_LIMIT, NOW)
    assert (found.reason, found.message, found.matched) == (Reason.KILL_SWITCH_ACTIVE, MESSAGE, (name,))


@pytest.mark.parametrize(
    "switch",
    [
        KillSwitch(ScopeKind.GATEWAY, "other"),
        KillSwitch(ScopeKind.AGENT, "agent-2"),
        KillSwitch(ScopeKind.AGENT, "bot"),
        KillSwitch(ScopeKind.CONNECTOR, "openai"),
    ],
)
def test_a_kill_switch_for_something_else_stops_nothing(switch: KillSwitch) -> None:
    assert judge(*compiled(rules={"**": ALLOW}, switches=(switch,)), [MERGE], 0, NOW).allowed


def test_the_request_that_reaches_the_limit_passes_and_the_next_is_refused() -> None:
    parts = compiled(rules={"**": ALLOW})
    assert judge(*parts, [MERGE], RATE_LIMIT - 1, NOW).allowed
    refused = judge(*parts, [MERGE], RATE_LIMIT, NOW)
    assert refused.reason is Reason.RATE_LIMITED
    assert not refused.charge_rate


def test_a_decision_names_the_rule_that_determined_it() -> None:
    found = judge(*compiled(rules={"**": ALLOW, "github.pr.*": DENY}), [MERGE], 0, NOW)
    assert found.matched == ("rule:github:github.pr.*",)
    assert "github.pr.merge" in found.message


def test_rules_of_another_connector_do_not_count() -> None:
    gateway, agent, connector = compiled(rules={"github.pr.*": ALLOW})
    assert not any(rule.connector != "github" for rule in gateway.config.rules)
    assert judge(gateway, agent, connector, [Action("openai.chat.create")], 0, NOW).reason is Reason.NO_RULE


def test_the_same_question_gets_the_same_answer_with_a_thousand_others_between() -> None:
    parts = compiled(rules={"github.pr.*": ALLOW, "github.repo.*": DENY})
    first = judge(*parts, [MERGE], 0, NOW)
    others = [judge(*parts, [Action(f"github.repo.n{number}")], 0, NOW) for number in range(6000)]
    assert judge(*parts, [MERGE], 0, NOW) == first
    assert {other.verdict for other in others} == {DENY}


def test_the_same_type_with_another_effect_is_another_question() -> None:
    parts = compiled(rules={"github.pr.*": ALLOW})
    gateway, agent, connector = parts
    assert judge(gateway, agent, connector, [Action("github.pr.get", effect=Effect.READ)], 0, NOW).allowed
    assert judge(gateway, agent, connector, [Action("github.pr.get", effect=Effect.MONEY)], 0, NOW).allowed
    assert len(connector.decisions) == 2


names = st.sampled_from(["github.pr.merge", "github.pr.update", "github.repo.delete", "github.issue.close"])
action_lists = st.lists(st.builds(Action, type=names), min_size=1, max_size=5)
levels = st.sampled_from(list(EnforcementLevel))
rule_sets = st.dictionaries(
    st.sampled_from(["**", "github.*", "github.pr.*", "github.repo.delete", "github.issue.close"]),
    st.sampled_from(list(Verdict)),
)


@given(action_lists, rule_sets, levels)
def test_several_actions_get_the_strictest_of_their_verdicts(
    actions: list[Action], rules: dict[str, Verdict], level: EnforcementLevel
) -> None:
    parts = compiled(rules=rules, level=level)
    each = [judge(*parts, [action], 0, NOW) for action in actions]
    found = judge(*parts, actions, 0, NOW)
    assert STRICTNESS[found.verdict] == max(STRICTNESS[single.verdict] for single in each)
    assert set(found.matched) == {name for single in each for name in single.matched}
    assert found.warned is any(single.warned for single in each)


@given(action_lists, rule_sets)
def test_a_lower_level_never_refuses_what_a_higher_one_lets_through(
    actions: list[Action], rules: dict[str, Verdict]
) -> None:
    strictness = [
        STRICTNESS[judge(*compiled(rules=rules, level=level), actions, 0, NOW).verdict]
        for level in (FULL, SOFT, MONITOR)
    ]
    assert strictness == sorted(strictness, reverse=True)


@given(action_lists, rule_sets, levels)
def test_would_be_is_what_full_enforcement_says(
    actions: list[Action], rules: dict[str, Verdict], level: EnforcementLevel
) -> None:
    found = judge(*compiled(rules=rules, level=level), actions, 0, NOW)
    assert found.would_be is judge(*compiled(rules=rules, level=FULL), actions, 0, NOW).verdict


def test_the_strictest_of_several_keeps_what_would_have_been() -> None:
    mild = Decision(ALLOW, Reason.RULE_ALLOW, "fine", ("a",), would_be=ALLOW)
    watched = Decision(ALLOW, Reason.MONITORED, "watched", ("b",), would_be=DENY, warned=True)
    assert strictest([mild, watched]) == Decision(ALLOW, Reason.MONITORED, "watched", ("a", "b"), DENY, True)


def test_what_would_have_been_is_the_strictest_too() -> None:
    asked = Decision(ASK, Reason.APPROVAL_REQUIRED, "ask", ("a",), would_be=ASK)
    warned = Decision(ALLOW, Reason.UNWRITTEN_ALLOWED, "unwritten", would_be=DENY, warned=True)
    found = strictest([asked, warned])
    assert (found.verdict, found.reason, found.would_be) == (ASK, Reason.APPROVAL_REQUIRED, DENY)


def test_an_error_is_only_let_through_by_monitor() -> None:
    error = Decision(DENY, Reason.BODY_TOO_LARGE, "too large")
    assert at_level(FULL, error) is error
    assert at_level(SOFT, error) is error
    watched = at_level(MONITOR, error)
    assert (watched.verdict, watched.would_be, watched.reason) == (ALLOW, DENY, Reason.MONITORED)
    assert "too large" in watched.message
