"""A small compiled gateway to judge against."""

from __future__ import annotations

from tameflare.core.access import AccessRule
from tameflare.core.compile import CompiledAgent, CompiledConfiguration, CompiledConnector, CompiledGateway
from tameflare.core.config import AgentConfig, Configuration, ConnectorConfig, GatewayConfig, PolicyConfig
from tameflare.core.decision import EnforcementLevel, Verdict
from tameflare.core.killswitch import KillSwitch

RATE_LIMIT = 10


def compiled(
    *,
    level: EnforcementLevel = EnforcementLevel.FULL_ENFORCE,
    rules: dict[str, Verdict] | None = None,
    switches: tuple[KillSwitch, ...] = (),
    policies: tuple[str | PolicyConfig, ...] = (),
    policy_only: bool = False,
) -> tuple[CompiledGateway, CompiledAgent, CompiledConnector]:
    """The gateway `main` with the agent `bot` (id `agent-1`) and the connector `github`; policies are YAML."""
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
        policy_only=policy_only,
    )
    stored = tuple(
        PolicyConfig(f"policy-{number}", "p", 3, given) if isinstance(given, str) else given
        for number, given in enumerate(policies)
    )
    configuration = Configuration(1, 0, switches, (gateway,), stored)
    found = CompiledConfiguration(configuration).gateways["gateway-1"]
    return found, found.agents["bot"], found.connectors["github"]


def policy(decision: Verdict, condition: str = "{field: type, operator: exists}", extra: str = "") -> str:
    """The policy `p` with the one rule `r`, for everything."""
    return f"name: p\nrules:\n  - name: r\n    conditions: {condition}\n    decision: {decision.value}\n    {extra}\n"
