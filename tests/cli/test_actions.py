"""`tf actions`: what rules and policies are written with, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.cli.conftest import Ended

Tf = Callable[..., Ended]


def types(ended: Ended) -> list[str]:
    return [action["type"] for action in json.loads(ended.out)]


def test_a_pattern_is_a_glob_or_a_part_of_a_name(tf: Tf) -> None:
    assert types(tf("actions", "github.pr.me*", "--json")) == ["github.pr.merge"]
    refunds = types(tf("actions", "refund.c", "--json"))
    assert refunds == ["stripe.refund.cancel", "stripe.refund.create"]
    told = tf("actions", "refund.create")
    assert "stripe.refund.create  money   high  POST /v1/refunds" in told.out
    assert told.err == ""


def test_it_is_narrowed_by_connector_effect_and_risk(tf: Tf) -> None:
    money = json.loads(tf("actions", "--connector", "stripe", "--effect", "money", "--json").out)
    assert money
    assert {(action["connector"], action["effect"]) for action in money} == {("stripe", "money")}
    low = types(tf("actions", "github.pr.*", "--risk", "low", "--json"))
    assert "github.pr.get" in low
    assert "github.pr.merge" not in low


def test_what_is_mistyped_is_guessed(tf: Tf) -> None:
    assert tf("actions", "gihtub.pr.merge").out == "no action fits; did you mean `github.pr.merge`?\n"
    wrong = tf("actions", "--connector", "strip")
    assert (wrong.code, wrong.err) == (2, "tf: there is no type of connectors `strip`; did you mean `stripe`?\n")
