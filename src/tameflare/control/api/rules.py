"""Access rules of a gateway."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from tameflare.control.api.auth import Manager, Reader, Wired
from tameflare.control.api.bodies import Answer, Body, Items
from tameflare.control.api.strict import router_for
from tameflare.control.services.faults import NotFound
from tameflare.control.services.named import gateway_named
from tameflare.control.services.rules import Preset, Wish, prepare, preset
from tameflare.control.store import connectors, rules
from tameflare.control.store.engine import Connection
from tameflare.core.access import AccessRule
from tameflare.core.action import Effect
from tameflare.core.decision import Verdict

router = router_for("rules", "/api/dashboard/gateways/{gateway}/rules")


def _spelling(value: object) -> object:
    return "requires_approval" if value == "require_approval" else value


Decision = Annotated[
    Verdict,
    Field(strict=False),
    BeforeValidator(_spelling),
    Field(description="`require_approval` is read as well."),
]


class RuleBody(Body):
    connector: Annotated[str, Field(max_length=64)]
    pattern: Annotated[str, Field(max_length=200, description="A glob over action types, as `github.pr.*`.")]
    decision: Decision
    effect: Annotated[Effect, Field(strict=False)] | None = Field(None, description="Only actions of this effect.")

    @property
    def wish(self) -> Wish:
        return Wish(self.connector, self.pattern, self.decision, self.effect)


class RulesBody(Body):
    rules: Annotated[list[RuleBody], Field(max_length=1000)]


class PresetBody(Body):
    connector: Annotated[str, Field(max_length=64)]
    preset: Annotated[Preset, Field(strict=False)]


class RuleOut(Answer):
    id: str
    connector: str
    pattern: str
    decision: Verdict
    effect: Effect | None


def _out(found: list[AccessRule]) -> Items[RuleOut]:
    return Items(items=[RuleOut.model_validate(rule) for rule in found])


def _connector_ids(connection: Connection, gateway_id: str) -> dict[str, str]:
    return {connector.name: connector.id for connector in connectors.of_gateway(connection, gateway_id)}


@router.get("")
async def list_rules(gateway: str, _caller: Reader, services: Wired) -> Items[RuleOut]:
    found = await services.database.read(
        lambda connection: rules.of_gateway(connection, gateway_named(connection, gateway).id)
    )
    return _out(found)


@router.put("")
async def replace_rules(gateway: str, body: RulesBody, caller: Manager, services: Wired) -> Items[RuleOut]:
    """Replace all rules of the gateway, or none where one is faulty."""
    wishes = [rule.wish for rule in body.rules]

    def work(connection: Connection) -> list[AccessRule]:
        gateway_id = gateway_named(connection, gateway).id
        wanted = prepare(wishes, gateway_id, _connector_ids(connection, gateway_id), services.context, "rules")
        rules.remove_all(connection, gateway_id)
        for rule in wanted:
            rules.put(connection, rule)
        return rules.of_gateway(connection, gateway_id)

    return _out(
        await services.configuration.change(caller.actor, "rules.replaced", work, gateway=gateway, count=len(wishes))
    )


@router.post("", status_code=201)
async def set_rule(gateway: str, body: RuleBody, caller: Manager, services: Wired) -> RuleOut:
    """Set one rule; one for the same connector, pattern and effect is changed."""

    def work(connection: Connection) -> str:
        gateway_id = gateway_named(connection, gateway).id
        (rule,) = prepare([body.wish], gateway_id, _connector_ids(connection, gateway_id), services.context)
        return rules.put(connection, rule)

    rule_id = await services.configuration.change(
        caller.actor,
        "rule.set",
        work,
        gateway=gateway,
        connector=body.connector,
        pattern=body.pattern,
        decision=body.decision.value,
    )
    return RuleOut(
        id=rule_id, connector=body.connector, pattern=body.pattern, decision=body.decision, effect=body.effect
    )


@router.post("/preset")
async def apply_preset(gateway: str, body: PresetBody, caller: Manager, services: Wired) -> Items[RuleOut]:
    """Replace the rules of one connector by a preset."""
    wish = preset(body.connector, body.preset)

    def work(connection: Connection) -> list[AccessRule]:
        gateway_id = gateway_named(connection, gateway).id
        known = _connector_ids(connection, gateway_id)
        (rule,) = prepare([wish], gateway_id, known, services.context)
        rules.remove_all(connection, gateway_id, rule.connector_id)
        rules.put(connection, rule)
        return rules.of_gateway(connection, gateway_id)

    changed = await services.configuration.change(
        caller.actor, "rules.preset", work, gateway=gateway, connector=body.connector, preset=body.preset.value
    )
    return _out(changed)


@router.delete("/{rule_id}", status_code=204)
async def delete_rule(gateway: str, rule_id: str, caller: Manager, services: Wired) -> None:
    def work(connection: Connection) -> None:
        if not rules.remove(connection, gateway_named(connection, gateway).id, rule_id):
            raise NotFound("rule", rule_id)

    await services.configuration.change(caller.actor, "rule.deleted", work, gateway=gateway, rule=rule_id)
