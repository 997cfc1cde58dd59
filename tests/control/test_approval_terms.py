"""Who must agree, as rules say it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.control.running import GATEWAYS, Running

from tameflare.control.store import gateways, rules
from tameflare.core.approval import Requirement
from tameflare.core.roles import Role

RULES = f"{GATEWAYS}/main/rules"
ASK = {"connector": "stripe", "pattern": "stripe.refund.*", "decision": "require_approval"}


@pytest.fixture(scope="module", autouse=True)
def _gateway(owner: httpx.Client) -> None:
    owner.post(GATEWAYS, json={"name": "main"})
    owner.post(f"{GATEWAYS}/main/connectors", json={"type": "stripe"})


def published(server: Running) -> Requirement | None:
    database = server.services.database
    gateway = database.read_now(lambda connection: gateways.by_name(connection, "main"))
    assert gateway is not None
    (rule,) = database.read_now(lambda connection: rules.of_gateway(connection, gateway.id))
    return rule.approval


def test_terms_are_stored_shown_and_published(server: Running, owner: httpx.Client) -> None:
    terms = {"role": "admin", "quorum": 2, "timeout_seconds": 3600, "remember": True}
    made = owner.post(RULES, json=ASK | {"approval": terms})
    assert (made.status_code, made.json()["approval"]) == (201, terms | {"groups": [], "distinct": False})
    assert owner.get(RULES).json()["items"] == [made.json()]
    assert published(server) == Requirement(Role.ADMIN, (), 2, timeout=3600, remember=True)


def test_what_is_left_out_is_anybody_and_writing_the_rule_again_replaces_the_terms(
    server: Running, owner: httpx.Client
) -> None:
    owner.post(RULES, json=ASK | {"approval": {"quorum": 3}})
    assert published(server) == Requirement(quorum=3)
    assert owner.post(RULES, json=ASK).json()["approval"] is None
    assert published(server) is None
    replaced = owner.put(RULES, json={"rules": [ASK | {"approval": {}}]}).json()["items"]
    assert replaced[0]["approval"] == {
        "role": "member", "quorum": 1, "groups": [], "distinct": False, "timeout_seconds": None, "remember": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "terms",
    [{"quorum": 0}, {"quorum": 11}, {"timeout_seconds": 9}, {"timeout_seconds": 40 * 86400}, {"role": "king"},
     {"groups": ["security"]}, {"quorum": "2"}],
)  # fmt: skip
def test_terms_that_make_no_sense_are_refused(owner: httpx.Client, terms: dict[str, Any]) -> None:
    assert owner.post(RULES, json=ASK | {"approval": terms}).status_code == 422


def test_a_rule_that_asks_nobody_has_no_terms(owner: httpx.Client) -> None:
    refused = owner.post(RULES, json=ASK | {"decision": "deny", "approval": {"quorum": 2}})
    assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "approval")
