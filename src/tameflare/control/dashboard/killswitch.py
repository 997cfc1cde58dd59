"""The kill switch: what is on, and for owners throwing and releasing it, each confirmed by a typed word."""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import Response

from tameflare.control.api.auth import Wired
from tameflare.control.api.errors import status_of
from tameflare.control.dashboard.forms import Form, line
from tameflare.control.dashboard.pages import router as page_router
from tameflare.control.dashboard.pages import see, sentence
from tameflare.control.dashboard.rendering import page
from tameflare.control.dashboard.visitors import Posted, Somebody
from tameflare.control.services.faults import Fault, Invalid, RoleTooLow
from tameflare.control.services.sessions import Visitor
from tameflare.control.store import agents, connectors, gateways
from tameflare.control.store.engine import Connection
from tameflare.control.wiring import Services
from tameflare.core.errors import TameFlareError
from tameflare.core.roles import Role

THROW_WORD: Final = "STOP"
RELEASE_WORD: Final = "RESUME"
_MAX_REASON: Final = 500
_ADDRESS: Final = "/dashboard/kill-switch"

router = page_router()


class Choice(msgspec.Struct, frozen=True):
    """A scope that can be chosen, and how it is called."""

    scope: str
    text: str


@router.get(_ADDRESS)
async def show_kill_switch(visitor: Somebody, services: Wired) -> Response:
    return await _show(services, visitor, {})


@router.post(f"{_ADDRESS}/throw")
async def throw(form: Posted, visitor: Somebody, services: Wired) -> Response:
    try:
        _check(visitor, form, THROW_WORD)
        reason = line(form, "reason", _MAX_REASON, required="say why, for those who find everything stopped")
        await services.kill_switches.throw(visitor.actor, form.get("scope", ""), reason)
    except TameFlareError as fault:
        return await _show(services, visitor, form, fault)
    return see(_ADDRESS)


@router.post(f"{_ADDRESS}/release")
async def release(form: Posted, visitor: Somebody, services: Wired) -> Response:
    try:
        _check(visitor, form, RELEASE_WORD)
        await services.kill_switches.release(visitor.actor, form.get("scope", ""), line(form, "reason", _MAX_REASON))
    except TameFlareError as fault:
        return await _show(services, visitor, form, fault)
    return see(_ADDRESS)


def _check(visitor: Visitor, form: Form, word: str) -> None:
    """Raises RoleTooLow, or Invalid where the word is not the one that confirms."""
    if visitor.user.role is not Role.OWNER:
        raise RoleTooLow(Role.OWNER, visitor.user.role)
    if form.get("confirm", "").strip().upper() != word:
        raise Invalid([Fault("confirm", f"type {word} to confirm", "nothing was changed")])


async def _show(services: Services, visitor: Visitor, form: Form, fault: TameFlareError | None = None) -> Response:
    return await page(
        services,
        visitor,
        "killswitch.html",
        status_of(fault) if fault else 200,
        place="kill-switch",
        choices=await services.database.read(_choices),
        form=form,
        said=sentence(fault) if fault else "",
        throw_word=THROW_WORD,
        release_word=RELEASE_WORD,
    )


def _choices(connection: Connection) -> dict[str, list[Choice]]:
    """What a switch can be thrown for, by the kind of thing."""
    names = {gateway.id: gateway.name for gateway in gateways.listed(connection)}
    connectors_there = sorted({connector.name for connector in connectors.everywhere(connection)})
    return {
        "Gateways": [Choice(f"gateway:{name}", name) for name in names.values()],
        "Connectors": [Choice(f"connector:{name}", name) for name in connectors_there],
        "Agents": [
            Choice(f"agent:{agent.id}", f"{agent.name} of {names.get(agent.gateway_id, '?')}")
            for agent in agents.everywhere(connection)
        ],
    }
