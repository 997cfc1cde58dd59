"""Retries: what is sent again, how long is waited, and what is never sent twice."""

from __future__ import annotations

import pickle
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from tests.sdk.scripted import KEY, Scripted, decided, fault, run

from tameflare.sdk import (
    Conflict,
    Denied,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Secret,
    TameFlareError,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)

REFUSED = httpx.ConnectError("connection refused")
RESET = httpx.ReadError("connection reset")


def test_what_may_pass_is_tried_again_with_the_same_idempotency_key(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch, REFUSED, RESET, fault(503), decided())
    assert server.client.request_action("email.send", parameters={"to": "a@b.test"}).allowed
    assert len({request.headers["idempotency-key"] for request in server.seen}) == 1
    assert [request.content for request in server.seen] == [server.seen[0].content] * 4
    assert 0 < server.pauses[0] < server.pauses[2] * 4
    assert all(0 < pause <= 8 for pause in server.pauses)


def test_the_last_fault_is_raised_when_no_try_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch, fault(503), fault(502), fault(500), fault(504, "late"))
    with pytest.raises(Unavailable) as caught:
        server.client.request_action("email.send")
    assert (caught.value.code, caught.value.status, len(server.pauses)) == ("late", 504, 3)
    assert caught.value.request_id == server.seen[0].headers["x-request-id"]


def test_retry_after_is_honoured_in_seconds_and_as_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    server = Scripted(monkeypatch, fault(429, retry_after="7"), fault(503, retry_after=later), decided())
    assert server.client.request_action("email.send").allowed
    assert 7 <= server.pauses[0] <= 8
    assert 18 <= server.pauses[1] <= 21


@pytest.mark.parametrize("headers", [{}, {"retry_after": "86400"}, {"retry_after": "1", "x_should_retry": "false"}])
def test_a_limit_that_does_not_pass_soon_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    server = Scripted(monkeypatch, fault(429, "plan_limit_actions", **headers))
    with pytest.raises(RateLimited) as caught:
        server.client.request_action("email.send")
    assert (caught.value.code, server.pauses) == ("plan_limit_actions", [])
    assert caught.value.retry_after == (float(headers["retry_after"]) if headers else None)


def test_a_rate_limit_that_is_a_verdict_tells_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = decided("denied", reason="rate_limited")
    answer.headers["retry-after"] = "12"
    with pytest.raises(RateLimited) as caught:
        Scripted(monkeypatch, answer).client.request_action("email.send")
    assert (caught.value.retry_after, caught.value.code) == (12, "rate_limited")


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Unauthorized), (403, Forbidden), (404, NotFound), (409, Conflict), (422, Invalid)]
)
def test_what_the_server_does_not_take_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, status: int, kind: type[TameFlareError]
) -> None:
    server = Scripted(monkeypatch, fault(status))
    with pytest.raises(kind) as caught:
        server.client.request_action("email.send")
    assert (caught.value.status, caught.value.code, caught.value.help) == (status, "some_code", "what to do")
    assert len(server.seen) == 1


def test_every_fault_of_a_request_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = [{"field": "type", "message": "is missing"}, {"field": "resource", "message": "is no object"}]
    answer = httpx.Response(422, json={"message": "the request is faulty", "faults": faults})
    with pytest.raises(Invalid, match="type: is missing; resource: is no object") as caught:
        Scripted(monkeypatch, answer).client.request_action("email.send")
    assert list(caught.value.faults) == faults


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>a captive portal</html>"),
        httpx.Response(200, json=["allow"]),
        httpx.Response(200, json={}),
        httpx.Response(302, headers={"location": "https://elsewhere.test"}),
        decided(decision="maybe"),
        decided(status="allow"),
        decided(decision=True),
        decided(action_request_id=None),
    ],
)
def test_what_is_no_answer_of_this_api_counts_as_no(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response) -> None:
    with pytest.raises(UnexpectedAnswer):
        Scripted(monkeypatch, answer).client.request_action("email.send")


def test_a_verdict_and_a_status_that_contradict_each_other_are_no(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnexpectedAnswer, match="contradict"):
        Scripted(monkeypatch, decided("allowed", decision="deny")).client.request_action("email.send")


# --- carrying out -----------------------------------------------------------------------------------------------------


def test_execute_is_sent_once_and_the_record_tells_what_became_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    done = decided("executed", outcome={"status": 201})
    server = Scripted(monkeypatch, decided(), RESET, done)
    found = server.client.execute(server.client.request_action("email.send"))
    assert found.outcome == {"status": 201}
    assert server.paths == ["/api/v1/actions", "/api/v1/actions/act_1/execute", "/api/v1/actions/act_1"]


def test_execute_is_sent_again_only_where_it_never_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch, decided(), REFUSED, decided("executed"))
    assert server.client.execute(server.client.request_action("email.send")).status == "executed"
    assert server.paths.count("/api/v1/actions/act_1/execute") == 2


def test_an_outcome_that_nobody_can_tell_is_raised_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch, decided(), fault(500), *[decided("allowed")] * 3)
    with pytest.raises(OutcomeUnknown):
        server.client.execute(server.client.request_action("email.send"))
    assert server.paths.count("/api/v1/actions/act_1/execute") == 1


def test_execute_does_nothing_with_what_was_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch, decided("denied"))
    denied = server.client.request_action("email.send", check=False)
    with pytest.raises(Denied):
        server.client.execute(denied)
    assert len(server.seen) == 1


# --- both clients, and secrets ----------------------------------------------------------------------------------------


def test_the_asynchronous_client_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch, RESET, fault(503, retry_after="2"), decided(), decided("executed"))

    async def work() -> str:
        async with server.asynchronous() as client:
            return (await client.execute(await client.request_action("email.send"))).status

    assert run(work) == "executed"
    assert len(server.pauses) == 2


def test_lists_are_fetched_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [{"items": [{"n": 1}, {"n": 2}], "next_cursor": "2"}, {"items": [{"n": 3}], "next_cursor": None}]
    server = Scripted(monkeypatch, *[httpx.Response(200, json=page) for page in pages * 2])
    assert [item["n"] for item in server.client.actions(limit=2)] == [1, 2, 3]

    async def work() -> list[int]:
        async with server.asynchronous() as client:
            return [item["n"] async for item in client.traffic(limit=2)]

    assert run(work) == [1, 2, 3]
    assert [request.url.query.decode() for request in server.seen] == ["limit=2", "limit=2&cursor=2"] * 2


def test_keys_and_tokens_show_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch, decided(), *[RESET] * 4)
    found = server.client.request_action("email.send")
    assert isinstance(found.decision_token, Secret)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(found.decision_token)
    with pytest.raises(Unavailable) as caught:
        server.client.verify(found.decision_token, "email.send")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    shown += f"{server.client!r} {server.client._options!r} {found!r} {found.raw!r} {found.decision_token}"
    assert KEY not in shown
    assert "token-canary" not in shown
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"
