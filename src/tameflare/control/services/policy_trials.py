"""Policies tried before they are stored: what would be decided if they were in force, by the one judge."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from tameflare.control.services.action_explained import explain
from tameflare.control.services.action_judging import Judging, Place
from tameflare.control.services.action_questions import Question
from tameflare.control.services.action_totals import foresee
from tameflare.control.services.compiled import Compiled
from tameflare.control.services.configuration import Published
from tameflare.control.services.context import Context
from tameflare.control.services.faults import NotFound
from tameflare.control.services.policies import Policies
from tameflare.control.services.policy_changes import plan
from tameflare.control.services.policy_checks import File, Sound, sound
from tameflare.control.store.engine import Connection, Database
from tameflare.core.compile import CompiledConfiguration
from tameflare.core.config import Configuration, PolicyConfig


class Candidates(msgspec.Struct, frozen=True):
    """Policies that are not stored. `alone`: without those that are; else beside them, in place of any of the same
    name. No files: what is stored."""

    files: Sequence[File] = ()
    alone: bool = False


class Trials:
    """`policies` checks candidates as storing them would."""

    def __init__(
        self, context: Context, database: Database, published: Published, compiled: Compiled, policies: Policies
    ) -> None:
        self._context = context
        self._database = database
        self._published = published
        self._compiled = compiled
        self._policies = policies

    async def configuration(self, candidates: Candidates) -> CompiledConfiguration:
        """Everything as it is, but for the policies. Raises FaultyPolicies."""
        if not candidates.files and not candidates.alone:
            return await self._compiled.get()
        wanted = sound(await self._policies.check(candidates.files))
        changed = await self._database.read(lambda connection: self._with(connection, wanted, candidates.alone))
        return await asyncio.to_thread(CompiledConfiguration, changed)

    async def evaluate(
        self, gateway: str, agent: str, question: Question, candidates: Candidates, at: float | None = None
    ) -> dict[str, Any]:
        """The answer that the agent would get at a moment (Unix seconds; None: now), explained rule by rule. Nothing
        is recorded or counted. Raises FaultyPolicies, NotFound."""
        place = _place(await self.configuration(candidates), gateway, agent)
        moment = self._context.clock() if at is None else at
        judging = Judging(msgspec.structs.replace(self._context, clock=lambda: moment))
        totals = await self._database.read(
            lambda connection: foresee(connection, judging, place, question, int(moment))
        )
        return explain(judging, place, question, moment, totals)

    def _with(self, connection: Connection, wanted: Sequence[Sound], alone: bool) -> Configuration:
        """The candidates have the versions that they would be stored as."""
        versions = {change.name: change.after for change in plan(connection, wanted, prune=False)}
        present = self._published.everything(connection)
        drafts = {
            each.policy.name: PolicyConfig("", each.policy.name, versions[each.policy.name], each.source, each.scope)
            for each in wanted
        }
        kept = () if alone else tuple(policy for policy in present.policies if policy.name not in drafts)
        return msgspec.structs.replace(present, policies=(*kept, *drafts.values()))


def _place(configuration: CompiledConfiguration, gateway: str, agent: str) -> Place:
    found = next((each for each in configuration.gateways.values() if each.name == gateway), None)
    if found is None:
        raise NotFound("gateway", gateway)
    if agent not in found.agents:
        raise NotFound("agent", agent)
    return Place(configuration, found, found.agents[agent])
