"""What the decision API is sent and what it answers, as the document describes it and as agents get it."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import Response
from pydantic import BaseModel, Field

from tameflare.control.api.bodies import Answer, Body
from tameflare.control.services.actions import Asked, shown_groups
from tameflare.core.action_states import ActionStatus
from tameflare.core.decision import Reason, Verdict

_POLICY: Final = "policy:"


class ActionBody(Body):
    """The document's description of what is sent; it is read by services/action_questions.py, to the same end."""

    type: Annotated[str, Field(description="As `github.pr.merge`.", max_length=300)]
    resource: dict[str, Any] = Field({}, description="What it is done to.")
    parameters: dict[str, Any] = Field({}, description="How it is done.")
    connector: Annotated[
        str, Field(description="The connector's name; needed only where the gateway has several that fit.")
    ] = ""
    risk_hints: dict[str, Any] = Field(
        {}, description="What the agent says of its risk, as `risk` (`high`): it can raise a risk, never lower it."
    )
    webhook_url: Annotated[str, Field(description="Its host must be listed in TF_WEBHOOK_HOSTS.")] | None = None


class RequiredOut(Answer):
    role: str
    groups: list[str]
    quorum: int


class JudgedActionOut(Answer):
    """The action as it is judged: what vendors have in the path of a request stands in both parts of it."""

    type: str
    resource: dict[str, Any]
    parameters: dict[str, Any]
    risk: str
    effect: str


class AccessRuleOut(Answer):
    pattern: str
    decision: Verdict


class RuleResultOut(Answer):
    """`result` is `true`, `false` or `error`; `condition` a tree of such results, each test with its sentence `why`."""

    name: str
    result: str
    decision: Verdict
    reason: str
    risk_score: int | None
    line: int
    condition: dict[str, Any] | None


class PolicyResultOut(Answer):
    name: str
    version: int
    rules: list[RuleResultOut]


class ExplanationOut(Answer):
    """`access_rule` is the one that holds, null where none does; `policies` are those in whose scope the action is."""

    decision: Verdict
    would_be: Verdict
    enforced: bool
    reason: Reason
    message: str
    risk_score: int
    matched: list[str]
    spec_hash: str
    action: JudgedActionOut
    connector: str
    level: str
    required_approvals: list[RequiredOut]
    access_rule: AccessRuleOut | None
    policies: list[PolicyResultOut]


class ApprovalOfAction(Answer):
    id: str
    required_approver_groups: list[str]
    expires_at: int


class DecisionOut(Answer):
    """`decision` is what holds, `would_be` what `full_enforce` would say, `enforced` whether the one is as strict as
    the other. `reason` is a reason code, `message` a sentence. `decision_token` is there while the action may be
    carried out, `approval` where people were asked. Times in Unix seconds; at `expires_at` it may be carried out no
    longer."""

    action_request_id: str
    status: ActionStatus
    decision: Verdict
    would_be: Verdict
    enforced: bool
    reason: Reason
    message: str
    risk_score: int
    matched_policies: list[str]
    matched: list[str]
    spec_hash: str
    expires_at: int | None
    decision_token: str | None = None
    approval: ApprovalOfAction | None = None


class ActionOut(DecisionOut):
    """`outcome` is what is known of how it was carried out."""

    type: str
    resource: dict[str, Any]
    parameters: dict[str, Any]
    connector: str
    outcome: dict[str, Any] | None
    created_at: int
    changed_at: int


class ActionPage(Answer):
    """`next_cursor` is null on the last page."""

    items: list[ActionOut]
    next_cursor: str | None


def decision(asked: Asked) -> dict[str, Any]:
    """The answer to the question, with what is optional only where there is something."""
    action = asked.action
    answer: dict[str, Any] = {
        "action_request_id": action.id,
        "status": action.status.value,
        "decision": action.decision.value,
        "would_be": action.would_be.value,
        "enforced": action.enforced,
        "reason": action.reason,
        "message": action.message,
        "risk_score": action.risk_score,
        "matched_policies": policies(action.matched),
        "matched": action.matched,
        "spec_hash": action.spec_hash,
        "expires_at": action.expires_at,
    }
    if asked.token is not None:
        answer["decision_token"] = asked.token
    if asked.approval is not None:
        answer["approval"] = {
            "id": asked.approval.state.id,
            "required_approver_groups": shown_groups(asked.approval),
            "expires_at": asked.approval.state.expires_at,
        }
    return answer


def action(asked: Asked) -> dict[str, Any]:
    """All of an action, to its own agent."""
    found = asked.action
    return {
        **decision(asked),
        "type": found.type,
        "resource": found.resource,
        "parameters": found.parameters,
        "connector": found.connector,
        "outcome": found.outcome,
        "created_at": found.created_at,
        "changed_at": found.changed_at,
    }


def policies(matched: tuple[str, ...]) -> list[str]:
    """The policies among what determined a decision, as `NAME@VERSION:RULE`."""
    return [label.removeprefix(_POLICY) for label in matched if label.startswith(_POLICY)]


def answered(value: Any, **headers: str) -> Response:
    """An answer as JSON."""
    return Response(msgspec.json.encode(value), 200, headers, "application/json")


def content(model: type[BaseModel]) -> dict[str, Any]:
    """A model as the body of a request, for the document."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
