"""The configuration's compiled form, which the judge works on. Built off the hot path; then only kill switches change.

A kill switch that somebody throws at the proxy itself must bite at once, whatever else is under way, so `throw` sets it
in place, for everybody who holds a part of this version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tameflare.core.access import AccessRule, AccessTable
from tameflare.core.action import Effect
from tameflare.core.config import AgentConfig, AgentStatus, Configuration, ConnectorConfig, GatewayConfig
from tameflare.core.decision import Decision
from tameflare.core.killswitch import KillSwitch, ScopeKind
from tameflare.core.policy.candidates import Candidates
from tameflare.core.policy.compile import PolicySet, compile_set


class CompiledAgent:
    """An agent under a gateway, with the kill switch that stops it, if any."""

    __slots__ = ("active", "config", "id", "killed_by", "name")

    def __init__(self, config: AgentConfig) -> None:
        self.config = config
        self.id = config.id
        self.name = config.name
        self.active = config.status is AgentStatus.ACTIVE
        self.killed_by: KillSwitch | None = None


class Applicable:
    """The policies that may match one agent's actions of one type.

    `parameters` are names of parameters that their rules look at; `sums` says that they compare running totals,
    `request` that they look at the HTTP request.
    """

    __slots__ = ("candidates", "parameters", "request", "sums")

    def __init__(self, candidates: Candidates) -> None:
        self.candidates = candidates
        self.parameters = candidates.parameters
        self.sums = bool(candidates.totals)
        self.request = any(field.startswith("request") for field in candidates.fields)


class CompiledConnector:
    """A connector instance under a gateway, with the rules written for it.

    `decisions` is the judge's memory of what it answered for a type and effect, where no policy can match;
    `applicable` its memory of which policies can, by agent and type. Both live as long as this version.
    """

    __slots__ = ("access", "applicable", "config", "decisions", "killed_by", "name")

    def __init__(self, config: ConnectorConfig, rules: Iterable[AccessRule]) -> None:
        self.config = config
        self.name = config.name
        self.access = AccessTable(rule for rule in rules if rule.connector == config.name)
        self.decisions: dict[tuple[str, Effect], Decision] = {}
        self.applicable: dict[tuple[str, str], Applicable | None] = {}
        self.killed_by: KillSwitch | None = None


class CompiledGateway:
    """A gateway: its level, its limits, its agents by name, its connectors by name, and the policies of everybody."""

    __slots__ = (
        "agents",
        "agents_by_id",
        "config",
        "connectors",
        "id",
        "killed_by",
        "level",
        "name",
        "policies",
        "policy_only",
        "rate_limit",
    )

    def __init__(self, config: GatewayConfig, switches: Switches, policies: PolicySet) -> None:
        self.config = config
        self.policies = policies
        self.policy_only = config.policy_only
        self.id = config.id
        self.name = config.name
        self.level = config.level
        self.rate_limit = config.rate_limit_per_minute
        agents = [CompiledAgent(agent) for agent in config.agents]
        self.agents = {agent.name: agent for agent in agents}
        self.agents_by_id = {agent.id: agent for agent in agents}
        self.connectors = {
            connector.name: CompiledConnector(connector, config.rules) for connector in config.connectors
        }
        self.throw(switches)

    def throw(self, switches: Switches) -> None:
        self.killed_by = switches.find(ScopeKind.ALL) or switches.find(ScopeKind.GATEWAY, self.name)
        for agent in self.agents.values():
            agent.killed_by = switches.find(ScopeKind.AGENT, agent.id)
        for connector in self.connectors.values():
            connector.killed_by = switches.find(ScopeKind.CONNECTOR, connector.name)


class Switches:
    """The kill switches that are on, by scope."""

    __slots__ = ("_by_scope",)

    def __init__(self, switches: Iterable[KillSwitch]) -> None:
        self._by_scope = {(switch.kind, switch.target): switch for switch in switches}

    def find(self, kind: ScopeKind, target: str = "") -> KillSwitch | None:
        return self._by_scope.get((kind, target))


class CompiledConfiguration:
    """All gateways of one configuration version, by id and by the digest of each of their tokens."""

    __slots__ = ("by_digest", "central", "gateways", "issued_at", "killed", "policies", "version")

    def __init__(self, configuration: Configuration) -> None:
        self.central = configuration.kill_switches
        self.killed = bool(self.central)
        switches = Switches(self.central)
        self.version = configuration.version
        self.issued_at = configuration.issued_at
        self.policies = compile_set(configuration.policies, configuration.timezone)
        self.gateways = {
            config.id: CompiledGateway(config, switches, self.policies) for config in configuration.gateways
        }
        self.by_digest = {
            token.digest: (self.gateways[config.id], token)
            for config in configuration.gateways
            for token in config.tokens
        }

    def throw(self, local: Sequence[KillSwitch]) -> None:
        """Put these switches in force beside the configuration's own; a scope is on where either says so."""
        switches = Switches((*local, *self.central))
        self.killed = bool(local or self.central)
        for gateway in self.gateways.values():
            gateway.throw(switches)
