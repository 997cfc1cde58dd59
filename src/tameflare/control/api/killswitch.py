"""The kill switch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tameflare.control.api.auth import Reader, Thrower, Wired
from tameflare.control.api.bodies import Answer, Body
from tameflare.control.api.errors import Error
from tameflare.control.api.strict import router_for
from tameflare.control.store import killswitch

router = router_for("kill switch")


class SwitchBody(Body):
    active: bool
    scope: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        "all", description="`all`, `connector:NAME`, `gateway:NAME`, `agent:ID`, or a name that only one object has."
    )
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class Switch(Answer):
    """`since` in Unix seconds; `by` names the person."""

    scope: str
    reason: str
    since: int
    by: str


class Switches(Answer):
    active: bool
    switches: list[Switch]


class Thrown(Switches):
    """`scope` in full: what the word in the request stands for."""

    scope: str


class Candidates(Error):
    candidates: list[str]


async def _listed(services: Wired) -> list[Switch]:
    found = await services.database.read(killswitch.listed)
    return [Switch.model_validate(switch) for switch in found]


@router.get("/api/dashboard/kill-switch")
async def read_kill_switch(_caller: Reader, services: Wired) -> Switches:
    """The scopes that are on."""
    switches = await _listed(services)
    return Switches(active=bool(switches), switches=switches)


@router.post("/api/v1/kill-switch", responses={409: {"model": Candidates, "description": "Several objects fit."}})
async def throw_kill_switch(body: SwitchBody, caller: Thrower, services: Wired) -> Thrown:
    """Switch a scope on or off; it bites within a second, at every level."""
    throw = services.kill_switches.throw if body.active else services.kill_switches.release
    scope = await throw(caller.actor, body.scope, body.reason)
    switches = await _listed(services)
    return Thrown(active=bool(switches), switches=switches, scope=scope)
