"""Small sets of policies, and what they say of an action of one agent in one place."""

from __future__ import annotations

from typing import Any

from tameflare.core.action import Action
from tameflare.core.config import PolicyConfig
from tameflare.core.decision import Verdict
from tameflare.core.policy import model
from tameflare.core.policy.compile import PolicySet, compile_policies
from tameflare.core.policy.facts import Circumstances, Facts
from tameflare.core.policy.model import Policy, Rule
from tameflare.core.policy.verdict import SILENT, PolicyVerdict


def says(
    policies: PolicySet, action_type: str = "github.pr.merge", environment: str = "production", **given: Any
) -> PolicyVerdict:
    """`given` are parameters; but `circumstances` are those, and `resource` the resource."""
    circumstances = given.pop("circumstances", Circumstances(0.0))
    resource = given.pop("resource", {})
    found = policies.candidates("main", "github", "bot", environment, action_type)
    action = Action(action_type, resource, given)
    facts = Facts(action, "agent-1", "bot", environment, "main", "github", circumstances)
    return SILENT if found is None else found.judge(facts)


def rule(decision: Verdict, name: str = "r", condition: model.Condition = model.ALWAYS, **more: Any) -> Rule:
    return Rule(name, condition, decision, **more)


def compiled(*policies: Policy) -> PolicySet:
    return compile_policies([(PolicyConfig(each.name, each.name, 2, ""), each) for each in policies])
