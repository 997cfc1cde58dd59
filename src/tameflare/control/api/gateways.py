"""Gateways."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tameflare.control.api.auth import Manager, Reader, Wired, check_role
from tameflare.control.api.bodies import Answer, Body, Items, Level, Name, RatePerMinute
from tameflare.control.api.strict import router_for
from tameflare.control.services.faults import AlreadyExists
from tameflare.control.services.named import gateway_named
from tameflare.control.store import agents, gateways
from tameflare.control.store.engine import Conflict, Connection
from tameflare.control.store.gateways import Gateway
from tameflare.core.config import DEFAULT_AGENT
from tameflare.core.decision import EnforcementLevel
from tameflare.core.roles import Role
from tameflare.settings import LEVEL, RATE_LIMIT

router = router_for("gateways", "/api/dashboard/gateways")
_STRENGTH = {EnforcementLevel.MONITOR: 0, EnforcementLevel.SOFT_ENFORCE: 1, EnforcementLevel.FULL_ENFORCE: 2}


PolicyOnly = Annotated[
    bool, Field(description="No access rules: at least one policy must allow an action, and none deny it.")
]


class GatewayBody(Body):
    name: Name
    level: Level | None = None
    rate_limit_per_minute: RatePerMinute | None = None
    policy_only: PolicyOnly = False


class GatewayPatch(Body):
    level: Level | None = None
    rate_limit_per_minute: RatePerMinute | None = None
    policy_only: PolicyOnly | None = None


class GatewayOut(Answer):
    id: str
    name: str
    level: EnforcementLevel
    rate_limit_per_minute: int
    policy_only: bool
    created_at: int


@router.get("")
async def list_gateways(_caller: Reader, services: Wired) -> Items[GatewayOut]:
    found = await services.database.read(gateways.listed)
    return Items(items=[GatewayOut.model_validate(gateway) for gateway in found])


@router.post("", status_code=201)
async def create_gateway(body: GatewayBody, caller: Manager, services: Wired) -> GatewayOut:
    """Make a gateway with an agent `default`. A level below the installation's default needs an owner."""
    context = services.context
    usual = context.settings.get(LEVEL)
    if body.level is not None and _STRENGTH[body.level] < _STRENGTH[usual]:
        check_role(caller, Role.OWNER)
    gateway = Gateway(
        id=context.new_id("gtw"),
        name=body.name,
        level=body.level or usual,
        rate_limit_per_minute=body.rate_limit_per_minute or context.settings.get(RATE_LIMIT),
        created_at=context.now(),
        policy_only=body.policy_only,
    )
    agent = agents.Agent(
        id=context.new_id("agt"),
        name=DEFAULT_AGENT,
        gateway_id=gateway.id,
        created_at=gateway.created_at,
        created_by=caller.user.id,
    )

    def work(connection: Connection) -> None:
        services.plan.check_agents(connection)
        gateways.add(connection, gateway)
        agents.add(connection, agent)

    try:
        await services.configuration.change(
            caller.actor, "gateway.created", work, gateway=gateway.name, enforcement=gateway.level.value
        )
    except Conflict:
        raise AlreadyExists("gateway", body.name) from None
    return GatewayOut.model_validate(gateway)


@router.get("/{gateway}")
async def read_gateway(gateway: str, _caller: Reader, services: Wired) -> GatewayOut:
    found = await services.database.read(lambda connection: gateway_named(connection, gateway))
    return GatewayOut.model_validate(found)


@router.patch("/{gateway}")
async def change_gateway(gateway: str, body: GatewayPatch, caller: Manager, services: Wired) -> GatewayOut:
    """Change level, rate limit, or whether policies alone decide; lowering the level needs an owner."""
    values = body.model_dump(exclude_none=True, mode="json")

    def work(connection: Connection) -> Gateway:
        found = gateway_named(connection, gateway)
        if body.level is not None and _STRENGTH[body.level] < _STRENGTH[found.level]:
            check_role(caller, Role.OWNER)
        if values:
            gateways.change(connection, found.id, values)
        return gateway_named(connection, gateway)

    changed = await services.configuration.change(
        caller.actor, "gateway.updated", work, gateway=gateway, changed=values
    )
    return GatewayOut.model_validate(changed)


@router.delete("/{gateway}", status_code=204)
async def delete_gateway(gateway: str, caller: Manager, services: Wired) -> None:
    """Delete a gateway with its tokens, agents, connectors, credentials and rules."""

    def work(connection: Connection) -> None:
        gateways.remove(connection, gateway_named(connection, gateway).id)

    await services.configuration.change(caller.actor, "gateway.deleted", work, gateway=gateway)
