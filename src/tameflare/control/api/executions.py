"""Having an allowed action carried out by the gateway, with the vault's credential."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final, Literal

from fastapi import Response
from pydantic import Field

from tameflare.connectors.base import HttpCall
from tameflare.control.api import action_shapes as shapes
from tameflare.control.api.action_shapes import ActionOut
from tameflare.control.api.agent_auth import ByAgent
from tameflare.control.api.auth import Wired
from tameflare.control.api.bodies import Answer, Body
from tameflare.control.api.errors import Error
from tameflare.control.api.strict import router_for
from tameflare.control.services.actions import Asked
from tameflare.control.services.executions import Executed
from tameflare.core.action_states import READY
from tameflare.link.executions import LARGEST_ANSWER, Carried

router = router_for("decisions", "/api/v1/actions")


class ExecuteBody(Body):
    decision_token: str = Field(json_schema_extra={"writeOnly": True})


class UpstreamAnswer(Answer):
    """What the upstream said, our own credential masked in it."""

    status: int
    headers: dict[str, str]
    body: str
    encoding: Literal["text", "base64"] = Field(description="How `body` is written: text where it is UTF-8.")
    truncated: bool = Field(description=f"The body is longer than {LARGEST_ANSWER} bytes; this is its beginning.")


class WouldBe(Answer):
    """The request that a live key would have sent, without the credential."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


class ExecutionOut(ActionOut):
    """The action as it is now. `status` is `executed`, or `failed` where the upstream refused it, was not reached, or
    nobody knows; `code` of `outcome` says which."""

    response: UpstreamAnswer | None = None
    request: WouldBe | None = None


_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": ExecutionOut, "description": "A proxy has begun, and its outcome is not known yet: ask again."},
    409: {
        "model": Error,
        "description": "`no_gateway`: no proxy is there to do it. `token_spent`, `already_executing`: it was begun.",
    },
}


@router.post("/{action}/execute", response_model_exclude_none=True, responses=_RESPONSES)
async def execute_action(
    action: str, body: ExecuteBody, caller: ByAgent, services: Wired, response: Response
) -> ExecutionOut:
    """Carry an action out, at most once: built from what was asked for and decided, never from this call.

    The decision token is used up when a proxy begins. Whatever is refused before that leaves it as it is. With a
    `tf_test_` key nothing is sent: the answer is the request that would be.
    """
    executed = await services.executions.execute(
        caller.agent.id, caller.key.kind, action, body.decision_token, caller.actor
    )
    if executed.action.status in READY:
        response.status_code = 202
    return ExecutionOut(
        **shapes.action(Asked(executed.action)),
        response=_answer(executed),
        request=_would_be(executed.would_be) if executed.would_be is not None else None,
    )


def _answer(executed: Executed) -> UpstreamAnswer | None:
    carried = executed.carried
    if carried is None or not carried.status:
        return None
    text = _text(carried)
    return UpstreamAnswer(
        status=carried.status,
        headers=dict(carried.headers),
        body=b64encode(carried.body).decode() if text is None else text,
        encoding="base64" if text is None else "text",
        truncated=carried.truncated or bool(carried.reason),
    )


def _text(carried: Carried) -> str | None:
    """None: it is no text. What was cut may end within a character."""
    try:
        return carried.body.decode()
    except UnicodeDecodeError as fault:
        cut = carried.truncated and fault.start >= len(carried.body) - 3
        return carried.body[: fault.start].decode() if cut else None


def _would_be(call: HttpCall) -> WouldBe:
    headers = dict(call.headers)
    if call.content_type:
        headers["Content-Type"] = call.content_type
    url = f"https://{call.host}{call.path}{'?' if call.query else ''}{call.query}"
    return WouldBe(method=call.method, url=url, headers=headers, body=call.body.decode("utf-8", "replace"))
