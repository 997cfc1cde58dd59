"""Keys of an agent for the decision API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tameflare.control.api.auth import Manager, Reader, Wired
from tameflare.control.api.bodies import Answer, Body, Items, Text
from tameflare.control.api.strict import router_for
from tameflare.control.services.named import agent_named
from tameflare.control.store import agent_keys
from tameflare.core.agent_keys import KeyKind

router = router_for("agents", "/api/dashboard/gateways/{gateway}/agents/{agent}/keys")


class AgentKeyBody(Body):
    name: Text = "key"
    kind: Annotated[
        KeyKind, Field(strict=False, description="`test`: nothing that is asked for with it ever reaches an upstream.")
    ] = KeyKind.LIVE
    expires_in_days: Annotated[int, Field(ge=1, le=3650, description="Left out: it does not expire.")] | None = None


class AgentKeyOut(Answer):
    """Times in Unix seconds; `prefix` is how the key begins. The key itself is not kept."""

    id: str
    name: str
    kind: KeyKind
    prefix: str
    created_at: int
    expires_at: int | None
    last_used_at: int | None


class NewAgentKey(AgentKeyOut):
    """`key` is shown this once."""

    key: str


@router.get("")
async def list_agent_keys(gateway: str, agent: str, _caller: Reader, services: Wired) -> Items[AgentKeyOut]:
    found = await services.database.read(
        lambda connection: agent_keys.of_agent(connection, agent_named(connection, gateway, agent).id)
    )
    return Items(items=[AgentKeyOut.model_validate(key) for key in found])


@router.post("", status_code=201)
async def make_agent_key(
    gateway: str, agent: str, caller: Manager, services: Wired, body: AgentKeyBody | None = None
) -> NewAgentKey:
    """Make a key for the decision API. Older ones stay valid: delete them when all programs have changed over."""
    wanted = body or AgentKeyBody()
    secret, stored = await services.agent_keys.make(
        lambda connection: agent_named(connection, gateway, agent).id,
        wanted.name,
        wanted.kind,
        wanted.expires_in_days,
        caller.actor,
    )
    return NewAgentKey(**AgentKeyOut.model_validate(stored).model_dump(), key=secret)


@router.delete("/{key_id}", status_code=204)
async def revoke_agent_key(gateway: str, agent: str, key_id: str, caller: Manager, services: Wired) -> None:
    """Revoke a key; it is refused from now on, by other servers on the same database within a second."""
    await services.agent_keys.revoke(
        lambda connection: agent_named(connection, gateway, agent).id, key_id, caller.actor
    )
