"""Access rules of a gateway."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from tameflare.control.api.auth import Manager, Reader, Wired
from tameflare.control.api.bodies import Answer, Body, Items
from tameflare.control.api.strict import router_for
from tameflare.control.services import custom
from tameflare.control.services.faults import NotFound
from tameflare.control.services.named import gateway_named
from tameflare.control.services.rules import Known, Preset, Wish, prepare, preset
from tameflare.control.store import connectors, groups, rules
from tameflare.control.store.engine import Connection
from tameflare.core.access import AccessRule
from tameflare.core.action import Effect
from tameflare.core.approval import Requirement
from tameflare.core.decision import Verdict
from tameflare.core.roles import Role

router = router_for("rules", "/api/dashboard/gateways/{gateway}/rules")


def _spelling(value: object) -> object:
    return "requires_approval" if value == "require_approval" else value


Decision = Annotated[
    Verdict,
    Field(strict=False),
    BeforeValidator(_spelling),
    Field(description="`require_approval` is read as well."),
]


class ApprovalTerms(Body):
    """Who must agree where the decision is to ask. `timeout_seconds` null: as long as the connection waits."""

    role: Annotated[Role, Field(strict=False)] = Field(Role.MEMBER, description="The lowest role that may answer.")
    quorum: Annotated[int, Field(ge=1, le=10)] = Field(1, description="How many people must agree.")
    groups: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=50)] = Field(
        [], description="Groups of people that must each reach the quorum; left out: everybody with the role."
    )
    distinct: bool = Field(False, description="Whether whoever answers counts for one of the groups only.")
    timeout_seconds: Annotated[int, Field(ge=10, le=30 * 86400)] | None = Field(
        None, description="How long people have time to answer."
    )
    remember: bool = Field(
        False, description="Whether an answer may be remembered although the action moves money or destroys."
    )

    @property
    def requirement(self) -> Requirement:
        groups = tuple(dict.fromkeys(self.groups))
        return Requirement(self.role, groups, self.quorum, self.distinct, self.timeout_seconds, self.remember)


class ApprovalTermsOut(Answer):
    role: Role
    quorum: int
    groups: list[str]
    distinct: bool
    timeout_seconds: int | None
    remember: bool


class RuleBody(Body):
    connector: Annotated[str, Field(max_length=64)]
    pattern: Annotated[str, Field(max_length=200, description="A glob over action types, as `github.pr.*`.")]
    decision: Decision
    effect: Annotated[Effect, Field(strict=False)] | None = Field(None, description="Only actions of this effect.")

    approval: ApprovalTerms | None = Field(None, description="Terms of the approval; left out: anybody who may.")

    @property
    def wish(self) -> Wish:
        terms = None if self.approval is None else self.approval.requirement
        return Wish(self.connector, self.pattern, self.decision, self.effect, terms)


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
    approval: ApprovalTermsOut | None


def _rule(rule_id: str, wish: Wish) -> RuleOut:
    terms = wish.approval
    return RuleOut(
        id=rule_id,
        connector=wish.connector,
        pattern=wish.pattern,
        decision=wish.decision,
        effect=wish.effect,
        approval=None
        if terms is None
        else ApprovalTermsOut(
            role=terms.role,
            quorum=terms.quorum,
            groups=list(terms.groups),
            distinct=terms.distinct,
            timeout_seconds=terms.timeout,
            remember=terms.remember,
        ),
    )


def _out(found: list[AccessRule]) -> Items[RuleOut]:
    wishes = [
        (rule.id, Wish(rule.connector, rule.pattern, rule.decision, rule.effect, rule.approval)) for rule in found
    ]
    return Items(items=[_rule(rule_id, wish) for rule_id, wish in wishes])


def _known(connection: Connection, gateway_id: str) -> Known:
    found = {connector.name: connector.id for connector in connectors.of_gateway(connection, gateway_id)}
    return Known(found, groups.names(connection))


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
        custom.prepare(connection, services.context, gateway_id, [wish.connector for wish in wishes])
        wanted = prepare(wishes, gateway_id, _known(connection, gateway_id), services.context, "rules")
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
        custom.prepare(connection, services.context, gateway_id, [body.connector])
        (rule,) = prepare([body.wish], gateway_id, _known(connection, gateway_id), services.context)
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
    return _rule(rule_id, body.wish)


@router.post("/preset")
async def apply_preset(gateway: str, body: PresetBody, caller: Manager, services: Wired) -> Items[RuleOut]:
    """Replace the rules of one connector by a preset."""
    wish = preset(body.connector, body.preset)

    def work(connection: Connection) -> list[AccessRule]:
        gateway_id = gateway_named(connection, gateway).id
        custom.prepare(connection, services.context, gateway_id, [wish.connector])
        (rule,) = prepare([wish], gateway_id, _known(connection, gateway_id), services.context)
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
