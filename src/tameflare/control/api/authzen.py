"""The decision API in the form of the OpenID Authorization API 1.0 (AuthZEN):
https://openid.net/specs/authorization-api-1_0.html. The same question with the same answer, on the same record."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tameflare.control.api.action_shapes import answered, decision
from tameflare.control.api.agent_auth import AgentCaller, ByAgent
from tameflare.control.api.auth import Wired
from tameflare.control.api.bodies import Answer
from tameflare.control.api.errors import Error, answer
from tameflare.control.api.strict import router_for
from tameflare.control.services import authzen
from tameflare.control.services.authzen import SUBJECT
from tameflare.control.services.faults import Invalid, Refused
from tameflare.control.wiring import Services
from tameflare.core.action_states import READY
from tameflare.settings import PUBLIC_URL

PATH: Final = "/access/v1/evaluation"
METADATA_PATH: Final = "/.well-known/authzen-configuration"
_FAULTY: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Error, "description": "The question is faulty; all faults are listed."}
}

router = router_for("decisions")


class _Part(BaseModel):
    """Fields that are not known are ignored, as the standard has it."""

    model_config = ConfigDict(extra="allow")


class SubjectIn(_Part):
    type: str = Field(description=f"`{SUBJECT}`.")
    id: str = Field(description="The id or the name of the agent whose key is sent, and no other.")


class ActionIn(_Part):
    name: str = Field(description="The type of the action, as `github.pr.merge`.")
    properties: dict[str, Any] = Field({}, description="Its parameters.")


class ResourceIn(_Part):
    type: str
    id: str
    properties: dict[str, Any] = {}


class EvaluationContext(Answer):
    """What the decision API answers, but for the token: `GET /api/v1/actions/{id}` has it."""

    action_request_id: str
    status: str
    decision: str
    reason: str
    message: str
    risk_score: int
    matched_policies: list[str]
    approval: dict[str, Any] | None = None


class Evaluation(Answer):
    """`decision` is true only where the action may be done now."""

    decision: bool
    context: EvaluationContext


class Metadata(Answer):
    policy_decision_point: str
    access_evaluation_endpoint: str


_SCHEMA: Final = {
    "type": "object",
    "title": "EvaluationIn",
    "description": "The action has `action.name` as type; `action.properties` and `context` as parameters, but for"
    " `context.risk_hints`; and `resource.properties` with `type` and `id` as resource.",
    "required": ["subject", "action", "resource"],
    "properties": {
        "subject": SubjectIn.model_json_schema(),
        "action": ActionIn.model_json_schema(),
        "resource": ResourceIn.model_json_schema(),
        "context": {"type": "object"},
    },
}
_BODY: Final = {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}}
_KEPT: Final = tuple(EvaluationContext.model_fields)


@router.post(PATH, response_model=Evaluation, response_model_exclude_none=True, responses=_FAULTY, openapi_extra=_BODY)
async def evaluate(request: Request, caller: ByAgent, services: Wired) -> Response:
    """Have an action decided, as an AuthZEN policy decision point. Where people must agree they are asked, and
    `decision` is false until they have."""
    try:
        question = authzen.read(await request.body())
    except Invalid as fault:
        faults = [{"field": one.field, "message": one.message, "help": one.help} for one in fault.faults]
        return answer(400, "invalid", fault.message, fault.help, faults=faults)
    _check_subject(question.subject, caller)
    key = request.headers.get("idempotency-key")
    asked = await services.actions.ask(caller.place, caller.key, question.asked, authzen.check_key(key))
    told = decision(asked)
    context = {name: told[name] for name in _KEPT if name in told}
    return answered({"decision": asked.action.status in READY, "context": context})


def _check_subject(subject: str, caller: AgentCaller) -> None:
    """Raises Refused: a key asks for its own agent alone."""
    if subject not in {caller.agent.id, caller.agent.name}:
        message = "the subject is not the agent whose key this is"
        raise Refused(message, f"send `{caller.agent.id}` as `subject.id`", code="subject_mismatch")


@router.get(METADATA_PATH)
async def read_metadata(request: Request, services: Wired) -> Metadata:
    """Where the decision point is (section 9 of the standard); nobody is asked who he is."""
    base = _base(request, services)
    return Metadata(policy_decision_point=base, access_evaluation_endpoint=base + PATH)


def _base(request: Request, services: Services) -> str:
    """The public URL, else the address that was asked."""
    return services.context.settings.get(PUBLIC_URL).rstrip("/") or f"http://{request.headers['host']}"
