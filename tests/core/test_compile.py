"""The compiled configuration: what is found under which name."""

from __future__ import annotations

import msgspec
import pytest

from tameflare.core.access import AccessRule
from tameflare.core.action import Action
from tameflare.core.compile import CompiledConfiguration
from tameflare.core.config import (
    AgentConfig,
    AgentStatus,
    Configuration,
    ConnectorConfig,
    GatewayConfig,
    ProxyToken,
)
from tameflare.core.decision import Verdict
from tameflare.core.errors import InvalidValue
from tameflare.core.killswitch import KillSwitch, ScopeKind

TOKEN = ProxyToken("token-1", "d1", expires_at=2000)
MAIN = GatewayConfig(
    id="g1",
    name="main",
    tokens=(TOKEN,),
    agents=(AgentConfig("a1", "default"), AgentConfig("a2", "old", status=AgentStatus.SUSPENDED)),
    connectors=(ConnectorConfig("c1", "github", "github"), ConnectorConfig("c2", "work", "github")),
    rules=(AccessRule("r1", "work", "github.pr.*", Verdict.ALLOW),),
)
STAGING = GatewayConfig(id="g2", name="staging", connectors=(ConnectorConfig("c3", "github", "github"),))


def compile_with(*switches: KillSwitch) -> CompiledConfiguration:
    return CompiledConfiguration(Configuration(7, 1000, kill_switches=switches, gateways=(MAIN, STAGING)))


def test_a_token_leads_to_its_gateway_only() -> None:
    found = compile_with()
    assert found.by_digest == {"d1": (found.gateways["g1"], TOKEN)}
    assert (found.version, found.issued_at) == (7, 1000)


def test_agents_are_found_by_name_and_id_with_their_status() -> None:
    gateway = compile_with().gateways["g1"]
    assert gateway.agents["old"] is gateway.agents_by_id["a2"]
    assert [gateway.agents[name].active for name in ("default", "old")] == [True, False]


def test_a_rule_belongs_to_the_instance_that_it_names() -> None:
    connectors = compile_with().gateways["g1"].connectors
    merge = Action("github.pr.merge")
    assert connectors["work"].access.look_up(merge).verdict is Verdict.ALLOW
    assert connectors["github"].access.look_up(merge).verdict is Verdict.DENY


def test_a_switch_for_all_stops_every_gateway_and_one_for_a_connector_that_name_everywhere() -> None:
    everything = KillSwitch(ScopeKind.ALL)
    assert [gateway.killed_by for gateway in compile_with(everything).gateways.values()] == [everything, everything]
    github = KillSwitch(ScopeKind.CONNECTOR, "github")
    stopped = compile_with(github).gateways
    assert [stopped[name].connectors["github"].killed_by for name in ("g1", "g2")] == [github, github]
    assert stopped["g1"].connectors["work"].killed_by is None


def test_a_rule_that_cannot_be_compiled_stops_the_whole_configuration() -> None:
    broken = msgspec.structs.replace(MAIN, rules=(AccessRule("r", "work", "github..x", Verdict.ALLOW),))
    with pytest.raises(InvalidValue, match="empty segment"):
        CompiledConfiguration(Configuration(1, 0, gateways=(broken,)))


def test_the_empty_configuration_serves_nobody() -> None:
    found = CompiledConfiguration(Configuration(version=0, issued_at=0))
    assert not found.gateways
    assert not found.by_digest


def test_a_configuration_survives_json() -> None:
    whole = Configuration(7, 1000, (KillSwitch(ScopeKind.ALL),), (MAIN, STAGING))
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Configuration) == whole
