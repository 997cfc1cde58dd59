"""The demo's table tells a good run from one where something leaked, went unrecorded, or was let through."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tameflare.demo import verdicts
from tameflare.demo.doubles.ledger import Ledger
from tameflare.demo.doubles.web import Request
from tameflare.demo.keys import VendorKeys
from tameflare.demo.verdicts import EXPECTED

KEYS = VendorKeys()


class Records:
    """Stands in for the installation: it is only asked for its traffic."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self._rows = rows

    def traffic(self) -> list[dict[str, str]]:
        return self._rows


def good_story() -> tuple[dict[str, dict[str, Any]], Ledger, Records]:
    told: dict[str, dict[str, Any]] = {one.step: {"outcome": one.outcome, "detail": "said"} for one in EXPECTED}
    told["own-key"] = {"outcome": "ok", "detail": json.dumps(["sk-tameflare_openai_placeholder"])}
    ledger = Ledger()
    for one in EXPECTED[:2]:
        reach(ledger, one.host, one.path)
    return told, ledger, Records([{"host": one.host, "path": one.path, "reason": one.reason} for one in EXPECTED])


def reach(ledger: Ledger, host: str, path: str, *, authorised: bool = True) -> None:
    ledger.write(Request("POST", host, path, "", {}, b""), authorised)


def judged(told: Any, ledger: Ledger, records: Any) -> dict[str, bool]:
    return {line.attempt: line.good for line in verdicts.lines(told, ledger, KEYS, records)}


def test_a_good_run() -> None:
    assert set(judged(*good_story()).values()) == {True}


@pytest.mark.parametrize("host", ["collector.example", "api.stripe.com"])
def test_a_leak_shows(host: str) -> None:
    told, ledger, records = good_story()
    path = next(one.path for one in EXPECTED if one.host == host)
    reach(ledger, host, path)
    assert list(judged(told, ledger, records).values()).count(False) == 1


def test_a_call_without_the_real_credential_shows() -> None:
    told, _, records = good_story()
    ledger = Ledger()
    for one in EXPECTED[:2]:
        reach(ledger, one.host, one.path, authorised=False)
    assert judged(told, ledger, records)["list pull requests"] is False


def test_a_real_key_in_the_agents_hands_shows() -> None:
    told, ledger, records = good_story()
    told["own-key"]["detail"] = json.dumps([f"X={KEYS.stripe}"])
    assert judged(told, ledger, records)["find its own keys"] is False


def test_an_agent_that_stopped_early_shows() -> None:
    told, ledger, records = good_story()
    del told["own-key"], told["after-kill-switch"]
    assert [name for name, good in judged(told, ledger, records).items() if not good] == [
        "ask a model again",
        "find its own keys",
    ]
