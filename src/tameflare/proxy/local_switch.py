"""The proxy's own kill switches: thrown on its machine, in force beside those of the control plane, kept on its disk.

Switching on bites first and is written afterwards, but before the answer; switching off is written first. So a crash
never leaves off what somebody was told is on. A file that cannot be read counts as a switch for everything.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from tameflare.core.action import Effect, Risk
from tameflare.core.compile import CompiledConfiguration
from tameflare.core.decision import Reason, Verdict
from tameflare.core.errors import InvalidValue, TameFlareError
from tameflare.core.killswitch import LocalSwitch, Scope, ScopeKind, fitting
from tameflare.link.local import Switch, Told
from tameflare.link.messages import Intent, RecordedAction
from tameflare.process import write_private

log = structlog.get_logger(__name__)

FILE_NAME: Final = "kill-switch.json"
UNREADABLE: Final = "the file of this proxy's kill switches cannot be read"

Names = dict[str, set[Scope]]
_decoder = msgspec.json.Decoder(tuple[LocalSwitch, ...])


class Ambiguous(TameFlareError):
    """A bare word that several objects bear."""

    code = "ambiguous"


class LocalSwitches:
    """`clock` gives Unix seconds, `compiled` what is being served.

    `changed` is called with what is on, and puts it in force in the same turn of the loop. `note` is given each change,
    to be recorded.
    """

    def __init__(
        self,
        directory: Path,
        clock: Callable[[], float],
        compiled: Callable[[], CompiledConfiguration | None],
        changed: Callable[[tuple[LocalSwitch, ...]], None],
        note: Callable[[Change], None],
    ) -> None:
        self._path = directory / FILE_NAME
        self._clock = clock
        self._compiled = compiled
        self._changed = changed
        self._note = note
        self._turn = asyncio.Lock()
        self._on: dict[Scope, LocalSwitch] = self._load()
        self.problem = ""

    @property
    def on(self) -> tuple[LocalSwitch, ...]:
        return tuple(self._on.values())

    def _load(self) -> dict[Scope, LocalSwitch]:
        try:
            found = _decoder.decode(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as fault:
            log.error("kill switch for everything", reason=UNREADABLE, fault=str(fault))
            since = int(self._clock())
            found = (LocalSwitch(kind=ScopeKind.ALL, reason=UNREADABLE, since=since, by="proxy"),)
        return {(switch.kind, switch.target): switch for switch in found}

    async def throw(self, by: str, word: str, reason: str) -> Told:
        """Switch a scope on. Raises InvalidValue or Ambiguous for a word that stands for nothing, or for several."""
        async with self._turn:
            kind, target = self._resolve(word)
            switch = LocalSwitch(kind=kind, target=target, reason=reason, since=int(self._clock()), by=by)
            self._enforce({**self._on, (kind, target): switch}, Change(switch, True, by, reason))
            try:
                await self._keep(self.on)
                self.problem = ""
            except OSError as fault:
                self.problem = f"a local kill switch is on, but cannot be kept on disk: {_cause(fault)}"
            return self.told(switch.scope)

    async def release(self, by: str, word: str, reason: str) -> Told:
        """Switch a scope off here. Raises as `throw`, and TameFlareError where that cannot be kept: it stays on."""
        async with self._turn:
            scope = self._resolve(word)
            switch = self._on.get(scope)
            if switch is None:
                return self.told(LocalSwitch(kind=scope[0], target=scope[1], since=0, by="").scope)
            remaining = {each: other for each, other in self._on.items() if each != scope}
            try:
                await self._keep(tuple(remaining.values()))
                self.problem = ""
            except OSError as fault:
                raise TameFlareError(
                    f"the kill switch stays on, since this cannot be written to `{self._path}`: {_cause(fault)}",
                    "make room on the disk",
                ) from None
            self._enforce(remaining, Change(switch, False, by, reason))
            return self.told(switch.scope)

    def told(self, scope: str = "") -> Told:
        """How it stands; `scope` is what was just spoken of."""
        compiled = self._compiled()
        central = () if compiled is None else tuple(switch.scope for switch in compiled.central)
        switches = tuple(Switch(each.scope, each.reason, each.since, each.by) for each in self.on)
        return Told(bool(switches), switches, central, scope, self.problem)

    def _resolve(self, word: str) -> Scope:
        found = fitting(word, self._known())
        if len(found) == 1:
            return found[0]
        if found:
            scopes = ", ".join(f"`{kind.value}:{target}`" for kind, target in found)
            raise Ambiguous(f"several things are named `{word}`", f"write one of {scopes}")
        raise InvalidValue(
            f"this proxy serves nothing that is named `{word}`", "write `all`, or see `tf status` for what there is"
        )

    def _known(self) -> Names:
        compiled = self._compiled()
        known = names_of(compiled) if compiled is not None else {}
        for kind, target in self._on:  # also where it is served no longer
            known.setdefault(target, set()).add((kind, target))
        return known

    def _enforce(self, on: dict[Scope, LocalSwitch], change: Change) -> None:
        self._on = on
        self._changed(self.on)
        self._note(change)
        log.warning("local kill switch", on=change.on, scope=change.switch.scope, by=change.by, reason=change.reason)

    async def _keep(self, on: tuple[LocalSwitch, ...]) -> None:
        await asyncio.to_thread(write_private, self._path, msgspec.json.encode(on))


class Change(msgspec.Struct, frozen=True):
    """What somebody did: `by` is a user of the machine."""

    switch: LocalSwitch
    on: bool
    by: str
    reason: str

    def record(self, request_id: str, now: float, version: int) -> Intent:
        """As it stands in the record of traffic: no request, but what an agent may later wonder about."""
        switch, word = self.switch, "on" if self.on else "off"
        why = f": {self.reason}" if self.reason else ""
        told = {"scope": switch.scope, "by": self.by, "reason": self.reason}
        action = RecordedAction(f"tameflare.kill_switch.{word}", Risk.HIGH, Effect.WRITE, told)
        return Intent(
            request_id,
            now,
            gateway="",
            agent=switch.target if switch.kind is ScopeKind.AGENT else "",
            run="",
            connector=switch.target if switch.kind is ScopeKind.CONNECTOR else "",
            actions=(action,),
            method="",
            scheme="",
            host="",
            port=0,
            path="",
            content_type="",
            user_agent="",
            verdict=Verdict.ALLOW,
            reason=Reason.LOCAL_KILL_SWITCH,
            message=f"{self.by} switched {switch.scope} {word} at this proxy{why}",
            matched=(switch.label,),
            would_be=Verdict.ALLOW,
            level="",
            flags=("local",),
            configuration=version,
            final=True,
        )


def names_of(compiled: CompiledConfiguration) -> Names:
    """The gateways, connectors and agents that a proxy serves, by name; agents by id as well."""
    known: Names = {}
    for gateway in compiled.gateways.values():
        known.setdefault(gateway.name, set()).add((ScopeKind.GATEWAY, gateway.name))
        for connector in gateway.connectors:
            known.setdefault(connector, set()).add((ScopeKind.CONNECTOR, connector))
        for agent in gateway.agents.values():
            for name in (agent.name, agent.id):
                known.setdefault(name, set()).add((ScopeKind.AGENT, agent.id))
    return known


def _cause(fault: OSError) -> str:
    return os.strerror(fault.errno) if fault.errno else str(fault)
