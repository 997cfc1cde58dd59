"""What must hold for any text that is read as a policy: it is told what is wrong with it, or it can be judged by."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from tameflare.cli.trial_files import parse_trials
from tameflare.core.action import Action, Effect, Risk
from tameflare.core.config import PolicyConfig
from tameflare.core.errors import InvalidValue
from tameflare.core.policy import limits
from tameflare.core.policy.compile import compile_set
from tameflare.core.policy.facts import Circumstances, Facts, RequestFacts
from tameflare.core.policy.parse import Parsed, parse_file, parse_policy

REQUEST: Final = RequestFacts("POST", "https", "api.example", 443, "/a/b")
HINTS: Final = {"bulk": True}
ACTIONS: Final = (
    Action("shop.order"),
    Action("github.pr.merge", {"owner": "a"}, {"base": "main", "amount": 7, "path": ".github/x"}, Risk.HIGH),
    Action("stripe.refund.create", {"environment": 5}, {"amount": "7", "currency": ["eur"]}, effect=Effect.MONEY),
    Action("mcp.tools.read", {"tool": "read", "a": None}, {"path": "/etc/x", "updates": [{"ref": "a"}], "n": 2**70}),
)


def policy(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    parsed = parse_policy(text)
    _understood(parsed, text)
    assert parse_policy(text) == parsed, "read twice, understood differently"
    for each in parse_file(text):
        _understood(each, text)
    if parsed.policy is not None:
        _judged(parsed)
    with suppress(InvalidValue):
        parse_trials(text, "fuzz.policytest", lambda _: text)


def _understood(parsed: Parsed, text: str) -> None:
    assert (parsed.policy is None) is bool(parsed.diagnostics)
    assert len(parsed.diagnostics) <= limits.FAULTS
    lines = text.count("\n") + 2
    for fault in parsed.diagnostics:
        assert 1 <= fault.line <= lines, fault
        assert 1 <= fault.column <= len(text) + 2, fault
        assert fault.message
        assert "\n" not in str(fault), fault
    if parsed.policy is not None:
        assert parsed.scope == parsed.policy.scope
        assert len(parsed.policy.rules) <= limits.RULES


def _judged(parsed: Parsed) -> None:
    """What can be read can be compiled, and judges whatever comes."""
    assert parsed.policy is not None
    compiled = compile_set([PolicyConfig("p", parsed.policy.name, 1, parsed.source, parsed.scope)], "Europe/Berlin")
    assert compiled.problems == (), parsed.source
    for action in ACTIONS:
        found = compiled.candidates("main", "c", "agent", "production", action.type)
        if found is None:
            continue
        for time in (0.0, 1_767_787_200.0, -1e300):
            circumstances = Circumstances(time, REQUEST, HINTS)
            facts = Facts(action, "agt_1", "agent", "production", "main", "c", circumstances)
            verdict = found.judge(facts)
            assert found.explain(facts).verdict == verdict
            assert found.judge(facts) == verdict
