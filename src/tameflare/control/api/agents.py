"""Agents under a gateway."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tameflare.control.api.auth import Manager, Reader, Wired
from tameflare.control.api.bodies import Answer, Body, Items, Name
from tameflare.control.api.strict import router_for
from tameflare.control.services.faults import AlreadyExists
from tameflare.control.services.named import agent_named, gateway_named
from tameflare.control.store import agents
from tameflare.control.store.agents import Agent
from tameflare.control.store.engine import Conflict, Connection
from tameflare.core.config import AgentStatus

router = router_for("agents", "/api/dashboard/gateways/{gateway}/agents")
Status = Annotated[AgentStatus, Field(strict=False)]


class AgentBody(Body):
    name: Name
    environment: Name = "production"


class AgentPatch(Body):
    status: Status | None = None
    environment: Name | None = None


class AgentOut(Answer):
    id: str
    name: str
    environment: str
    status: AgentStatus
    created_at: int


def _event(body: AgentPatch) -> str:
    stops = body.status in {AgentStatus.SUSPENDED, AgentStatus.REVOKED}
    return f"agent.{body.status}" if stops else "agent.updated"


@router.get("")
async def list_agents(gateway: str, _caller: Reader, services: Wired) -> Items[AgentOut]:
    found = await services.database.read(
        lambda connection: agents.of_gateway(connection, gateway_named(connection, gateway).id)
    )
    return Items(items=[AgentOut.model_validate(agent) for agent in found])


@router.post("", status_code=201)
async def create_agent(gateway: str, body: AgentBody, caller: Manager, services: Wired) -> AgentOut:
    agent_id, now = services.context.new_id("agt"), services.context.now()

    def work(connection: Connection) -> Agent:
        gateway_id = gateway_named(connection, gateway).id
        services.plan.check_agents(connection)
        agent = Agent(
            agent_id, body.name, body.environment, gateway_id=gateway_id, created_at=now, created_by=caller.user.id
        )
        agents.add(connection, agent)
        return agent

    try:
        made = await services.configuration.change(
            caller.actor, "agent.registered", work, gateway=gateway, agent=body.name, agent_id=agent_id
        )
    except Conflict:
        raise AlreadyExists("agent", body.name) from None
    return AgentOut.model_validate(made)


@router.patch("/{agent}")
async def change_agent(gateway: str, agent: str, body: AgentPatch, caller: Manager, services: Wired) -> AgentOut:
    """Change environment or status; a suspended or revoked agent is refused within a second."""
    values = body.model_dump(exclude_none=True, mode="json")

    def work(connection: Connection) -> Agent:
        found = agent_named(connection, gateway, agent)
        if found.status is AgentStatus.REVOKED and body.status not in {None, AgentStatus.REVOKED}:
            services.plan.check_agents(connection)
        if values:
            agents.change(connection, found.id, values)
        return agent_named(connection, gateway, agent)

    changed = await services.configuration.change(
        caller.actor, _event(body), work, gateway=gateway, agent=agent, changed=values
    )
    return AgentOut.model_validate(changed)


@router.delete("/{agent}", status_code=204)
async def delete_agent(gateway: str, agent: str, caller: Manager, services: Wired) -> None:
    def work(connection: Connection) -> None:
        agents.remove(connection, agent_named(connection, gateway, agent).id)

    await services.configuration.change(caller.actor, "agent.deleted", work, gateway=gateway, agent=agent)
