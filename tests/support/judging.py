"""A small compiled gateway to judge against."""

from __future__ import annotations

from tameflare.core.access import AccessRule
from tameflare.core.compile import CompiledAgent, CompiledConfiguration, CompiledConnector, CompiledGateway
from tameflare.core.config import AgentConfig, Configuration, ConnectorConfig, GatewayConfig
from tameflare.core.decision import EnforcementLevel, Verdict
from tameflare.core.killswitch import KillSwitch

RATE_LIMIT = 10


def compiled(
    *,
    level: EnforcementLevel = EnforcementLevel.FULL_ENFORCE,
    rules: dict[str, Verdict] | None = None,
    switches: tuple[KillSwitch, ...] = (),
) -> tuple[CompiledGateway, CompiledAgent, CompiledConnector]:
    """The gateway `main` with the agent `bot` (id `agent-1`) and the connector `github`."""
    gateway = GatewayConfig(
        id="gateway-1",
        name="main",
        level=level,
        rate_limit_per_minute=RATE_LIMIT,
        agents=(AgentConfig("agent-1", "bot"),),
        connectors=(ConnectorConfig("connector-1", "github", "github"),),
        rules=tuple(
            AccessRule(f"rule-{number}", "github", pattern, decision)
            for number, (pattern, decision) in enumerate((rules or {}).items())
        ),
    )
    configuration = Configuration(version=1, issued_at=0, kill_switches=switches, gateways=(gateway,))
    found = CompiledConfiguration(configuration).gateways["gateway-1"]
    return found, found.agents["bot"], found.connectors["github"]
