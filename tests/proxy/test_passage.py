"""Requests for decisions through the proxy's own port: passed on to the control plane, and nothing else is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.support.plane import HOST, Plane
from tests.support.waiting import wait_for

from tameflare.proxy.passage import MOST_OF_ONE

KEY = "tf_live_" + "a" * 46
ACTIONS = "/api/v1/actions"


class Control:
    """The control plane's end: what it was asked, and what it says."""

    def __init__(self, proxy: Plane) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer: tuple[int, bytes] = (200, b'{"status":"allowed"}')
        self.gate = threading.Event()
        self.gate.set()
        proxy.link.decide = self._decide
        self._url = f"http://127.0.0.1:{proxy.port}"

    def _decide(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.asked.append((method, path, headers, body))
        self.gate.wait(20)
        return self.answer

    def call(self, method: str = "POST", path: str = ACTIONS, **options: Any) -> httpx.Response:
        options.setdefault("headers", {"Authorization": f"Bearer {KEY}"})
        return httpx.request(method, f"{self._url}{path}", trust_env=False, timeout=20, **options)


@pytest.fixture
def control(proxy: Plane) -> Iterator[Control]:
    made = Control(proxy)
    yield made
    made.gate.set()


def test_a_question_and_its_answer_pass_whole(control: Control) -> None:
    control.answer = (422, b'{"faults":[]}')
    body = json.dumps({"type": "email.send", "parameters": {"text": "x" * 100_000}}).encode()
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k1", "Cookie": "a=b", "X-Forwarded-For": "::1"}
    answer = control.call(content=body, headers=headers)
    assert (answer.status_code, answer.content) == (422, b'{"faults":[]}')
    ((method, path, seen, sent),) = control.asked
    assert (method, path, sent) == ("POST", ACTIONS, body)
    assert (seen["authorization"], seen["idempotency-key"]) == (f"Bearer {KEY}", "k1")
    assert not {"cookie", "x-forwarded-for", "proxy-authorization"} & seen.keys()


def test_a_long_poll_passes_with_its_query(control: Control) -> None:
    assert control.call("GET", f"{ACTIONS}/act_1?wait=30").status_code == 200
    assert control.asked[0][:2] == ("GET", f"{ACTIONS}/act_1?wait=30")


@pytest.mark.parametrize(
    "path",
    ["/api/dashboard/gateways", "/api/link/feed", "/api/v1", "/api/v1/", "/api/v1//actions", "/api/v1/../link/feed",
     "/api/v1/%2e%2e/link/feed", "/api/v1/actions/..%2f..", "/api/v1/actions;x", "/API/v1/actions", "/health2"],
)  # fmt: skip
def test_no_other_path_is_passed_on(proxy: Plane, control: Control, path: str) -> None:
    reply = proxy.plain().get(path, f"Authorization: Bearer {KEY}\r\n".encode(), "GET", f"127.0.0.1:{proxy.port}")
    assert reply.status == 404
    assert control.asked == []


@pytest.mark.parametrize("token", ["tfu_" + "a" * 43, "gwln_test-link-token", "gwtk_x", "tfs_x", ""])
def test_no_other_token_is_passed_on(control: Control, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for path in (ACTIONS, "/api/v1/kill-switch"):
        answer = control.call(path=path, headers=headers, json={})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert control.asked == []


def test_other_methods_and_other_hosts_are_refused(proxy: Plane, control: Control) -> None:
    assert control.call("DELETE").status_code == 405
    reply = proxy.plain().get(ACTIONS, f"Authorization: Bearer {KEY}\r\n".encode(), "GET", HOST)
    assert (reply.status, reply.json["code"]) == (421, "host_mismatch")
    assert control.asked == []


def test_a_large_body_is_refused_before_it_is_passed_on(control: Control) -> None:
    assert control.call(content=b" " * ((1 << 20) + 1)).status_code == 413
    assert control.asked == []


def test_without_the_control_plane_the_agent_is_told_so(proxy: Plane, control: Control) -> None:
    proxy.link.stop()
    try:
        answer = control.call(json={})
        assert (answer.status_code, answer.json()["code"]) == (503, "control_plane_unreachable")
    finally:
        proxy.link.start()
    wait_for(lambda: control.call(json={}).status_code == 200, "an answer, the kept connections being known as gone")


def test_one_that_asks_without_end_leaves_room_for_others(control: Control) -> None:
    control.gate.clear()
    other = {"Authorization": f"Bearer tf_live_{'b' * 46}"}
    with ThreadPoolExecutor(MOST_OF_ONE + 1) as pool:
        waiting = [pool.submit(control.call, "GET", f"{ACTIONS}/act_1?wait=30") for _ in range(MOST_OF_ONE)]
        wait_for(lambda: len(control.asked) == MOST_OF_ONE, "as many questions as one may have")
        refused = control.call("GET", f"{ACTIONS}/act_1")
        passed = pool.submit(control.call, headers=other)
        wait_for(lambda: len(control.asked) > MOST_OF_ONE, "the question of the other")
        control.gate.set()
        assert {each.result().status_code for each in (*waiting, passed)} == {200}
    assert (refused.status_code, refused.json()["code"]) == (503, "too_many_requests")
    assert control.call("GET", f"{ACTIONS}/act_1").status_code == 200


def test_whoever_hangs_up_is_waited_for_no_longer(control: Control) -> None:
    control.gate.clear()
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(
            f"{control._url}{ACTIONS}/act_1", headers={"Authorization": f"Bearer {KEY}"}, timeout=0.2, trust_env=False
        )
    wait_for(lambda: control.asked, "the question")
    control.gate.set()
    assert control.call("GET", f"{ACTIONS}/act_2").status_code == 200
