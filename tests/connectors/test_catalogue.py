"""The catalogue of named actions agrees with what connectors name."""

from __future__ import annotations

from tameflare.cli.patterns import actions
from tameflare.connectors import asked, catalogue, registry
from tameflare.core.action import Effect, Risk


def test_every_named_action_of_every_type_is_there_once() -> None:
    for kind in registry.TYPES:
        found = [action.type for action in catalogue.of_connector(kind)]
        assert found == sorted(actions(kind)), kind


def test_an_action_tells_its_requests_and_parameters() -> None:
    found = {action.type: action for action in catalogue.everything()}
    close = found["github.pr.close"]
    assert close.requests == ("PATCH /repos/{owner}/{repo}/pulls/{pull_number:int} with `state` = `closed`",)
    assert (close.effect, close.risk) == (Effect.WRITE, Risk.MEDIUM)
    assert found["stripe.refund.create"].parameters["amount"] == "int"
    assert found["github.file.get"].parameters["path"] == "text"
    assert (found["mcp.stream.open"].effect, found["mcp.tools.list"].effect) == (Effect.READ, Effect.READ)


def test_its_risk_is_the_one_that_is_judged_by() -> None:
    for action in catalogue.everything():
        if action.connector != "mcp":
            known = asked.known(action.type)
            assert (known.risk, known.effect) == (action.risk, action.effect), action.type
