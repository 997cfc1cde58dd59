"""Held requests where something ends: nobody answers, the proxy is killed, the control plane is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.asking import Asking, asking
from tests.support.doubles import Vendors
from tests.support.processes import halted, kill
from tests.support.product import Governed

from tameflare.demo.product import wait_until


@pytest.fixture
def asked(tmp_path: Path, vendors: Vendors) -> Iterator[Asking]:
    with asking(tmp_path, vendors, TF_APPROVAL_TIMEOUT="4") as running:
        yield running


def test_nobody_answers(asked: Asking) -> None:
    request = asked.write("unanswered")
    shown = asked.about("unanswered")
    answer = request.result()
    assert (answer.status_code, answer.json()["code"]) == (408, "approval_timeout")
    assert answer.headers["x-should-retry"] == "false"
    asked.becomes(shown["id"], "expired")
    assert asked.sent("unanswered") == 0


def test_a_no_stands_for_the_same_request(tmp_path: Path, vendors: Vendors) -> None:
    with asking(tmp_path, vendors, TF_DENIAL_STANDS="300") as asked:
        request = asked.write("no-again")
        shown = asked.about("no-again")
        asked.vote(shown["id"], "deny", reason="not on a Friday")
        first, second = request.result(), asked.write("no-again").result()
        for answer in (first, second):
            assert (answer.status_code, answer.json()["code"]) == (403, "approval_denied")
            assert "not on a Friday" in answer.json()["message"]
        assert asked.sent("no-again") == 0


def test_the_control_plane_is_away(asked: Asking) -> None:
    with halted(Governed(asked.product, asked.vendors), "tameflare.control"):
        answer = asked.write("away").result()
    assert (answer.status_code, answer.json()["code"]) == (503, "approvals_unavailable")
    assert asked.sent("away") == 0


def test_the_proxy_is_killed(asked: Asking) -> None:
    request = asked.write("killed-proxy")
    shown = asked.about("killed-proxy")
    kill(Governed(asked.product, asked.vendors), "tameflare.proxy")
    request.join(10)
    assert request.answer is None
    assert asked.approval(shown["id"])["status"] in ("pending", "expired")
    wait_until(lambda: asked.product.answers(asked.product.proxy + "/health"), "the proxy to be back", 30)
    assert asked.sent("killed-proxy") == 0
