"""Actions that are asked for by name: whose they are, how grave, and what they say twice."""

from __future__ import annotations

from typing import Any

import pytest

from tameflare.connectors import asked
from tameflare.connectors.registry import VENDORS
from tameflare.connectors.table import vendor_routes
from tameflare.core.action import Action, Effect, Risk

TYPES = {
    "github.pr.merge": "github",
    "openai.chat.create": "openai",
    "stripe.refund.create": "stripe",
    "http.get": "generic",
    "webhook.post": "webhook",
    "mcp.tools.search": "mcp",
    "tunnel.open": "tunnel",
    "email.send": "custom",
    "generic.get": "custom",
    "githubs.pr.merge": "custom",
}


@pytest.mark.parametrize(("action", "connector"), TYPES.items())
def test_the_first_word_says_whose_it_is(action: str, connector: str) -> None:
    assert asked.connector_type(action) == connector


GRAVE = {
    "github.repo.delete": (Risk.HIGH, Effect.DESTRUCTIVE),
    "http.get": (Risk.LOW, Effect.READ),
    "http.delete": (Risk.HIGH, Effect.DESTRUCTIVE),
    "webhook.post": (Risk.MEDIUM, Effect.WRITE),
    "mcp.tools.list": (Risk.LOW, Effect.READ),
    "mcp.tools.anything": (Risk.MEDIUM, Effect.WRITE),
    "mcp.rpc.resources_read": (Risk.LOW, Effect.READ),
    "github.made.up": (Risk.HIGH, Effect.WRITE),
    "github.unknown.post": (Risk.HIGH, Effect.WRITE),
    "email.send": (Risk.MEDIUM, Effect.WRITE),
}


@pytest.mark.parametrize(("action", "weight"), GRAVE.items())
def test_how_grave_it_is_does_not_depend_on_who_asks(action: str, weight: tuple[Risk, Effect]) -> None:
    found = asked.action(action, {}, {})
    assert (found.risk, found.effect) == weight


def test_of_all_routes_of_a_name_the_worst_counts() -> None:
    risks = tuple(Risk)
    for vendor in VENDORS:
        for route in vendor_routes(vendor).rows:
            assert risks.index(asked.known(route.type).risk) >= risks.index(route.risk)


def test_what_stands_in_the_address_is_seen_in_both_places() -> None:
    place = {"owner": "o", "repo": "r", "pull_number": 1}
    for resource, parameters in ((place, {}), ({}, place), ({"owner": "o"}, {"repo": "r", "pr_number": 1})):
        found = asked.action("github.pr.merge", resource, {**parameters, "merge_method": "squash"})
        assert found.resource == place
        assert found.parameters == {**place, "merge_method": "squash"}


def test_a_tool_is_named_by_its_type_and_gets_its_arguments_alone() -> None:
    found = asked.action("mcp.tools.search", {"tool": "another", "host": "mcp.test"}, {"host": "argument"})
    assert found.resource == {"tool": "search", "host": "mcp.test"}
    assert found.parameters == {"host": "argument"}


CONTRADICTIONS: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"repo": "a"}, {"repo": "a"}, []),
    ({"repo": "a"}, {"repo": "b"}, ["parameters.repo"]),
    ({"pull_number": 1}, {"pr_number": 1}, []),
    ({"pull_number": 1}, {"pr_number": 2}, ["parameters.pull_number"]),
    ({"pull_number": 1}, {"pull_number": True}, ["parameters.pull_number"]),
    ({"pull_number": 1}, {"pull_number": 1.0}, ["parameters.pull_number"]),
    ({}, {"pull_number": 1, "pr_number": 1}, ["parameters.pr_number"]),
    ({"title": "a"}, {"title": "b"}, []),
]


@pytest.mark.parametrize(("resource", "parameters", "faults"), CONTRADICTIONS)
def test_what_is_said_twice_must_be_the_same(
    resource: dict[str, Any], parameters: dict[str, Any], faults: list[str]
) -> None:
    found = asked.contradictions("github.pr.merge", resource, parameters)
    assert [path for path, _ in found] == faults


@pytest.mark.parametrize(
    ("known", "hint", "wanted"),
    [
        (Risk.MEDIUM, "high", Risk.HIGH),
        (Risk.HIGH, "low", Risk.HIGH),
        (Risk.LOW, "medium", Risk.MEDIUM),
        (Risk.LOW, "extreme", Risk.LOW),
        (Risk.LOW, ["high"], Risk.LOW),
        (Risk.LOW, None, Risk.LOW),
    ],
)
def test_a_hint_only_raises_the_risk(known: Risk, hint: object, wanted: Risk) -> None:
    assert asked.raised(Action("a.b", risk=known), hint).risk is wanted


@pytest.mark.parametrize(
    ("action_type", "faults"),
    [
        ("mcp.tools.delete_repo", []),
        ("mcp.tools.repo_x002e_read", []),
        ("mcp.tools.list", []),
        ("mcp.tools.delet_x0065__repo", [("type", "write it as `mcp.tools.delete_repo`")]),
        ("mcp.rpc.resources_read", []),
        ("mcp.rpc.response", []),
        ("mcp.rpc.tools_call", [("type", "no request has this name")]),
        ("http.delete", []),
        ("http.DELETE", [("type", "write it as `http.delete`")]),
        ("email.sendLater", []),
    ],
)
def test_a_type_is_the_one_that_a_request_has(action_type: str, faults: list[tuple[str, str]]) -> None:
    """Or rules about the tool or method would not see what is done."""
    assert asked.contradictions(action_type, {}, {}) == faults
