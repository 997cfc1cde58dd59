"""Decision tokens: the keys that they are signed with, and using one up."""

from __future__ import annotations

from typing import Any, Final, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from tameflare.control.api.auth import Wired
from tameflare.control.api.bodies import Answer, Body
from tameflare.control.api.errors import RESPONSES, Error
from tameflare.control.api.strict import StrictRoute
from tameflare.control.api.verifier import ByVerifier
from tameflare.control.services.decision_tokens import Presented
from tameflare.core import p256
from tameflare.core.canonical import spec_hash
from tameflare.core.token import ALGORITHM

JWKS_PATH: Final = "/.well-known/jwks.json"
KEPT_SECONDS: Final = 300
"""For so long whoever fetched the keys need not ask again; a new key is looked for when a token names one."""

router = APIRouter(tags=["decision tokens"], route_class=StrictRoute)


class Jwk(Answer):
    """A public key on P-256 (RFC 7517). `kid` is its RFC 7638 thumbprint."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str
    y: str
    kid: str
    use: Literal["sig"] = "sig"
    alg: Literal["ES256"] = ALGORITHM


class Jwks(Answer):
    """The key that signs comes first, then those whose tokens may still live."""

    keys: list[Jwk]


@router.get(JWKS_PATH)
async def read_keys(services: Wired, response: Response) -> Jwks:
    """The public keys of decision tokens; nobody is asked who he is."""
    ring = await services.signing_keys.ring()
    response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    found = ring.accepted(services.context.clock())
    return Jwks(keys=[Jwk.model_validate({**p256.jwk(key.public), "kid": key.kid}) for key in found])


class ActionBody(Body):
    """The action that is to be done, exactly as it was asked for."""

    type: str = Field(min_length=1, max_length=200)
    resource: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)


class VerifyBody(Body):
    decision_token: str = Field(json_schema_extra={"writeOnly": True})
    action: ActionBody
    accept_test: bool = Field(False, description="Take what a test key asked for as well: nothing is done for real.")


class Verified(Answer):
    """The token was good, and is used up now."""

    valid: Literal[True] = True
    action_request_id: str
    gateway: str
    agent: str
    type: str


_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    **RESPONSES,
    409: {"model": Error, "description": "The token was used before."},
}


@router.post("/api/v1/tokens/verify", responses=_REFUSALS)
async def verify_token(body: VerifyBody, caller: ByVerifier, services: Wired) -> Verified:
    """Check a decision token and use it up: of any number of calls with one token exactly one gets 200.

    By a personal access token with the scope `verify`, or the key of the agent that the token was made for. A refusal
    (422 with the check that failed as `code`, or 403) leaves the token as it is.
    """
    action = body.action
    wanted = spec_hash(action.type, action.resource, action.parameters)
    presented = Presented(body.decision_token, wanted, caller.agent, test=body.accept_test, live=caller.live)
    done = await services.decision_tokens.verify(presented, caller.actor)
    return Verified(action_request_id=done.id, gateway=done.gateway, agent=done.agent, type=done.type)
