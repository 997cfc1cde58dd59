"""The form of a policy: which keys there are, what stands behind each, and what else is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping as Words
from typing import Final

from tameflare.core.access import parse_pattern
from tameflare.core.approval import Requirement
from tameflare.core.decision import Verdict
from tameflare.core.errors import InvalidValue
from tameflare.core.policy import limits
from tameflare.core.policy.diagnostics import meant, quoted
from tameflare.core.policy.form import Form, mapping, sequence, text
from tameflare.core.policy.known import Known
from tameflare.core.policy.model import ALWAYS, EVERYTHING, Policy, Rule, Scope
from tameflare.core.policy.nodes import Faults, Mapping, Node, Scalar
from tameflare.core.policy.read_conditions import Conditions
from tameflare.core.roles import Role

_HEAD: Final = ("name", "description", "enabled", "priority")
POLICY: Final = (*_HEAD, "metadata", "scope", "rules")
SCOPE: Final = ("agents", "environments", "action_types", "gateways", "connectors")
RULE: Final = ("name", "conditions", "decision", "reason", "risk_score", "approval")
APPROVAL: Final = (
    "approver_roles",
    "approver_groups",
    "quorum",
    "timeout_seconds",
    "distinct_approvers",
    "remember",
)
_INSTEAD_IN_SCOPE: Final = {"actions": "action_types", "types": "action_types", "action": "action_types"}
_INSTEAD_IN_RULE: Final = {
    "when": "conditions",
    "if": "conditions",
    "match": "conditions",
    "effect": "decision",
    "action": "decision",
    "then": "decision",
    "message": "reason",
    "description": "reason",
    "risk": "risk_score",
    "approvals": "approval",
}
_INSTEAD_IN_APPROVAL: Final = {
    "role": "approver_roles",
    "roles": "approver_roles",
    "groups": "approver_groups",
    "required_approver_groups": "approver_groups",
    "timeout": "timeout_seconds",
    "distinct": "distinct_approvers",
    "min_approvals": "quorum",
    "count": "quorum",
}
DECISIONS: Final[Words[str, Verdict]] = {
    "allow": Verdict.ALLOW,
    "deny": Verdict.DENY,
    "requires_approval": Verdict.REQUIRES_APPROVAL,
    "require_approval": Verdict.REQUIRES_APPROVAL,
}
_OTHER_DECISIONS: Final = {
    "ask": "requires_approval",
    "approve": "requires_approval",
    "approval": "requires_approval",
    "review": "requires_approval",
    "hold": "requires_approval",
    "block": "deny",
    "reject": "deny",
    "forbid": "deny",
    "permit": "allow",
    "accept": "allow",
}
_ROLES: Final = {role.value: role for role in (Role.MEMBER, Role.ADMIN, Role.OWNER)}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_IN_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Schema:
    """Reads a tree of nodes; what is wrong with it is added to `faults`."""

    def __init__(self, faults: Faults, known: Known) -> None:
        self._faults = faults
        self._known = known
        self._conditions = Conditions(faults)

    def policy(self, root: Node) -> tuple[Policy | None, Scope | None]:
        """The policy, worth something only where no fault was told, and its scope where that is readable."""
        found = mapping(root, "a policy", self._faults)
        if found is None:
            return None, None
        form = Form(found, "a policy", POLICY, self._faults, {"policy": "name", "version": "description"})
        scope = self._scope(form) if "scope" not in found.repeated else None
        head = self._head(form)
        name = self._name(head, "a policy", "as `name: protect-main`")
        rules = self._rules(form)
        priority = head.number("priority", -limits.PRIORITY, limits.PRIORITY)
        policy = Policy(
            name,
            rules,
            head.text("description", limits.TEXT),
            head.flag("enabled", True),
            100 if priority is None else priority,
            scope or EVERYTHING,
        )
        return policy, scope

    def _head(self, form: Form) -> Form:
        """Where the name stands: the policy itself, or its `metadata`."""
        node = form.node("metadata")
        if node is None:
            return form
        found = mapping(node, "`metadata`", self._faults)
        if found is None:
            return form
        for key in _HEAD:
            if key in found.entries and form.has(key):
                self._faults.add(form.key(key), f"`{key}` stands in `metadata` too", "remove one of them")
        for key in _HEAD:
            if form.has(key):
                found.entries.setdefault(key, form.entry(key))
        return Form(found, "`metadata`", _HEAD, self._faults)

    def _name(self, form: Form, what: str, example: str) -> str:
        node = form.needed("name", f"give it one, {example}")
        if node is None:
            return ""
        name = text(node, "`name`", limits.NAME, self._faults)
        if name and not _NAME.fullmatch(name):
            better = _NOT_IN_NAME.sub("-", name).strip("-._").lower() or "protect-main"
            help_ = f"write letters, digits, `-`, `_` and `.`, as `{better}`"
            self._faults.add(node, f"the name of {what} is {quoted(name)}", help_)
        return name

    # --- scope --------------------------------------------------------------------------------------------------------

    def _scope(self, form: Form) -> Scope | None:
        node = form.node("scope")
        if node is None:
            return EVERYTHING
        before = len(self._faults)
        found = mapping(node, "`scope`", self._faults)
        if found is None:
            return None
        inner = Form(found, "`scope`", SCOPE, self._faults, _INSTEAD_IN_SCOPE)
        parts = {key: inner.texts(key, limits.VALUES, limits.FIELD) for key in SCOPE}
        self._patterns(parts["action_types"])
        if len(self._faults) > before or found.repeated:
            return None
        return Scope(**{key: tuple(each.text for each in items) for key, items in parts.items()})

    def _patterns(self, items: list[Scalar]) -> None:
        for item in items:
            if sum(part.count("*") for part in item.text.split(".") if part != "*") > limits.STARS:
                help_ = f"there may be {limits.STARS} of them beside letters; write several patterns"
                self._faults.add(item, f"the pattern {quoted(item.text)} has too many `*`", help_)
                continue
            try:
                parse_pattern(item.text)
            except InvalidValue as fault:
                self._faults.add(item, fault.message, fault.help or "write it as `github.pr.*`")

    # --- rules --------------------------------------------------------------------------------------------------------

    def _rules(self, form: Form) -> tuple[Rule, ...]:
        node = form.needed("rules", "write at least one rule")
        found = None if node is None else sequence(node, "`rules`", limits.RULES, self._faults)
        if found is None:
            return ()
        seen: dict[str, int] = {}
        rules = []
        for item in found.items:
            body = mapping(item, "a rule", self._faults)
            if body is not None:
                rules.append(self._rule(body, seen))
        return tuple(rules)

    def _rule(self, body: Mapping, seen: dict[str, int]) -> Rule:
        form = Form(body, "a rule", RULE, self._faults, _INSTEAD_IN_RULE)
        name = self._name(form, "a rule", "as `name: ask-before-merging`")
        if name in seen:
            self._faults.add(form.key("name"), f"two rules are called `{name}`", f"the first is in line {seen[name]}")
        elif name:
            seen[name] = form.key("name").line
        condition = form.node("conditions")
        decision = self._decision(form)
        return Rule(
            name,
            ALWAYS if condition is None else self._conditions.read(condition),
            decision or Verdict.DENY,
            self._reason(form),
            form.number("risk_score", 0, limits.RISK_SCORE),
            self._approval(form, decision),
            form.place.line,
        )

    def _reason(self, form: Form) -> str:
        return " ".join(form.text("reason", limits.REASON).split())

    def _decision(self, form: Form) -> Verdict | None:
        """What a rule decides; None where that cannot be read, which was then told."""
        node = form.needed("decision", "write `allow`, `deny` or `requires_approval`")
        word = "" if node is None else text(node, "`decision`", limits.NAME, self._faults)
        if word and word not in DECISIONS and node is not None:
            better = _OTHER_DECISIONS.get(word.lower())
            help_ = f"did you mean `{better}`?" if better else meant(word, list(DECISIONS)[:3])
            self._faults.add(node, f"no decision {quoted(word)}", help_)
        return DECISIONS.get(word)

    # --- approval -----------------------------------------------------------------------------------------------------

    def _approval(self, form: Form, decision: Verdict | None) -> Requirement | None:
        node = form.node("approval")
        found = None if node is None else mapping(node, "`approval`", self._faults)
        if found is None:
            return None
        inner = Form(found, "`approval`", APPROVAL, self._faults, _INSTEAD_IN_APPROVAL)
        if decision in (Verdict.ALLOW, Verdict.DENY):
            help_ = "remove it, or decide `requires_approval`"
            self._faults.add(form.key("approval"), f"`{decision.value}` asks nobody", help_)
        quorum = inner.number("quorum", 1, limits.QUORUM)
        return Requirement(
            self._role(inner),
            self._groups(inner),
            1 if quorum is None else quorum,
            inner.flag("distinct_approvers", False),
            inner.number("timeout_seconds", *limits.TIMEOUT),
            inner.flag("remember", False),
        )

    def _role(self, form: Form) -> Role:
        """The lowest of the roles that may answer."""
        found = []
        for item in form.texts("approver_roles", len(Role), limits.NAME):
            if item.text in _ROLES:
                found.append(_ROLES[item.text])
            elif item.text == Role.VIEWER:
                self._faults.add(item, "viewers answer no approvals", "the lowest role that does is `member`")
            else:
                self._faults.add(item, f"no role {quoted(item.text)}", meant(item.text, _ROLES))
        return min(found, key=list(Role).index, default=Role.MEMBER)

    def _groups(self, form: Form) -> tuple[str, ...]:
        known = self._known.groups
        found: list[str] = []
        for item in form.texts("approver_groups", limits.GROUPS, limits.GROUP):
            if known is not None and item.text not in known:
                otherwise = "make it first: `tf groups add`"
                self._faults.add(item, f"no group {quoted(item.text)}", meant(item.text, known, otherwise))
            elif item.text in found:
                self._faults.add(item, f"the group {quoted(item.text)} is there twice", "remove one of them")
            found.append(item.text)
        return tuple(found)
