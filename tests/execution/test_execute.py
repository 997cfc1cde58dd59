"""Actions that the gateway carries out: through the API, the link, a real proxy and TLS, to an upstream that counts."""

from __future__ import annotations

import json
import signal
from concurrent.futures import Future
from typing import Any

import httpx
import pytest
from tests.support.carrying import CANARY, HOOKS, SERVICE, Carrying
from tests.support.upstream import Talk
from tests.support.waiting import wait_for

from tameflare.link.executions import LARGEST_ANSWER
from tameflare.sdk import Client, ExecutionFailed, OutcomeUnknown

ISSUE = {"owner": "acme", "repo": "api", "title": "T"}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def traffic(carried: Carrying, request_id: str) -> dict[str, Any]:
    """The complete record of a request."""

    def find() -> dict[str, Any] | None:
        rows = carried.api("GET", "/api/dashboard/traffic?limit=50")["items"]
        return next((row for row in rows if row["request_id"] == request_id and row["complete"]), None)

    return wait_for(find, "the record of the request")


def test_it_goes_once_with_the_credential_and_is_on_record(carried: Carrying) -> None:
    asked = carried.ask("github.issue.create", ISSUE)
    assert not carried.requests
    done = carried.execute(asked).json()
    assert (done["action_request_id"], done["status"]) == (asked["action_request_id"], "executed")
    assert done["response"] == {
        "status": 201,
        "headers": {"content-type": "application/json"},
        "body": '{"number": 8}',
        "encoding": "text",
        "truncated": False,
    }
    (sent,) = carried.requests
    assert (sent.method, sent.target, sent.json) == ("POST", "/repos/acme/api/issues", {"title": "T"})
    assert sent.headers["authorization"] == f"token {CANARY}"
    after = carried.look(asked)
    assert (after["status"], after["outcome"]["status"]) == ("executed", 201)
    assert "decision_token" not in after
    row = traffic(carried, after["outcome"]["request_id"])
    assert (row["actions"][0]["type"], row["status"]) == ("github.issue.create", 201)
    assert "execute" in row["flags"]
    assert code(carried.execute(asked)) == (409, "token_spent")
    assert len(carried.requests) == 1


def test_neither_answer_nor_token_nor_key_is_kept_anywhere(carried: Carrying) -> None:
    carried.say(b'{"private": "answer-canary-4711"}')
    asked = carried.ask("github.issue.create", ISSUE)
    done = carried.execute(asked).json()
    traffic(carried, done["outcome"]["request_id"])
    kept = carried.log.encode() + b"".join(
        path.read_bytes() for path in carried.directory.rglob("*") if path.is_file() and path.suffix != ".pem"
    )
    for secret in ("answer-canary-4711", asked["decision_token"].split(".")[2], CANARY):
        assert secret.encode() not in kept


def test_of_many_calls_at_once_one_is_carried_out(carried: Carrying) -> None:
    asked = carried.ask("github.issue.create", ISSUE)
    answers = [call.result() for call in [carried.begin(asked) for _ in range(40)]]
    assert sorted({answer.status_code for answer in answers}) == [200, 409]
    assert sum(answer.status_code == 200 for answer in answers) == 1
    assert len(carried.requests) == 1


def test_what_the_upstream_refuses_has_failed_and_is_not_tried_again(carried: Carrying) -> None:
    carried.say(b'{"message": "Validation Failed"}', "422 Unprocessable Entity")
    asked = carried.ask("github.issue.create", ISSUE)
    done = carried.execute(asked).json()
    assert (done["status"], done["outcome"]["code"], done["response"]["status"]) == ("failed", "upstream_refused", 422)
    assert code(carried.execute(asked)) == (409, "token_spent")
    assert len(carried.requests) == 1


def test_where_nobody_knows_it_has_failed_and_is_not_tried_again(carried: Carrying) -> None:
    async def vanish(talk: Talk) -> None:
        talk.reset()

    carried.speak = vanish
    asked = carried.ask("github.issue.list", {"owner": "acme", "repo": "api"})
    done = carried.execute(asked).json()
    assert (done["status"], done["outcome"]["code"]) == ("failed", "outcome_unknown")
    assert "response" not in done
    assert len(carried.requests) == 1  # though it is a GET


def test_an_upstream_that_cannot_be_reached_did_nothing(carried: Carrying) -> None:
    asked = carried.ask("http.get", {"host": "nowhere.example.test", "path": "/"}, connector="nowhere")
    done = carried.execute(asked).json()
    assert (done["status"], done["outcome"]["code"]) == ("failed", "upstream_unreachable")


def test_the_credential_is_masked_where_the_upstream_gives_it_back(carried: Carrying) -> None:
    carried.say(json.dumps({"you sent": CANARY}).encode())
    done = carried.execute(carried.ask("github.issue.create", ISSUE)).json()
    assert CANARY not in json.dumps(done)
    assert "*" * len(CANARY) in done["response"]["body"]


def test_a_long_answer_is_cut_and_what_is_no_text_is_encoded(carried: Carrying) -> None:
    carried.say(b"\xff" + b"x" * LARGEST_ANSWER * 3)
    done = carried.execute(carried.ask("github.issue.create", ISSUE)).json()
    assert (done["response"]["encoding"], done["response"]["truncated"]) == ("base64", True)
    assert len(done["response"]["body"]) == (LARGEST_ANSWER + 2) // 3 * 4


def test_headers_pass_but_for_those_that_carry_keys_or_frame_the_message(carried: Carrying) -> None:
    headers = {"Authorization": "Bearer evil", "X-Trace": "7", "Cookie": "a=b", "Content-Length": "1", "Host": "evil"}
    parameters = {"path": "/v1/things", "headers": headers, "query": {"q": "a b"}, "body": {"name": "x"}}
    carried.execute(
        carried.ask("http.post", {"host": SERVICE, **parameters, "authorization": "Bearer x"}, connector="service")
    )
    (sent,) = carried.requests
    assert (sent.method, sent.target, sent.json) == ("POST", "/v1/things?q=a+b", {"name": "x"})
    assert sent.headers["authorization"] == f"Bearer {CANARY}"
    assert (sent.headers["x-trace"], sent.headers["host"]) == ("7", SERVICE)
    assert "cookie" not in sent.headers


def test_webhooks_are_sent_with_their_key(carried: Carrying) -> None:
    carried.execute(carried.ask("webhook.post", {"host": HOOKS, "path": "/in", "event": "deployed"}))
    (sent,) = carried.requests
    assert (sent.target, sent.json, sent.headers["x-hook-key"]) == ("/in", {"event": "deployed"}, CANARY)


def test_a_test_key_is_told_what_would_be_sent_and_nothing_is(carried: Carrying) -> None:
    asked = carried.ask("github.pr.merge", {"owner": "a", "repo": "b", "pr_number": 7}, carried.test_key)
    done = carried.execute(asked, carried.test_key).json()
    assert (done["status"], done["outcome"]) == ("executed", {"code": "test"})
    assert done["request"] == {
        "method": "PUT",
        "url": "https://api.github.com/repos/a/b/pulls/7/merge",
        "headers": {"Content-Type": "application/json"},
        "body": "{}",
    }
    assert code(carried.execute(asked, carried.test_key)) == (409, "token_spent")
    live = carried.ask("github.issue.create", ISSUE)
    assert code(carried.execute(live, carried.test_key)) == (403, "test_key")
    assert not carried.requests
    assert carried.execute(live).json()["status"] == "executed"


# --- what is refused leaves the token as it is


def test_tokens_of_others_are_refused_and_nothing_is_sent(carried: Carrying) -> None:
    asked, other = carried.ask("github.issue.create", ISSUE), carried.ask("github.issue.create", ISSUE)
    assert code(carried.execute(asked, token=other["decision_token"])) == (422, "action_mismatch")
    assert code(carried.execute(asked, token=asked["decision_token"] + "x")) == (422, "token_malformed")
    assert carried.execute(asked, carried.other_key).status_code == 404
    assert not carried.requests
    assert carried.execute(asked).status_code == 200


def test_a_kill_switch_refuses_it_and_afterwards_it_goes(carried: Carrying) -> None:
    asked = carried.ask("github.issue.create", ISSUE)
    carried.api("POST", "/api/v1/kill-switch", {"active": True, "scope": "connector:github", "reason": "r"})
    answer = carried.execute(asked)
    assert code(answer) == (403, "kill_switch_active")
    assert answer.json()["message"] == "Kill switch is active"
    carried.api("POST", "/api/v1/kill-switch", {"active": False, "scope": "connector:github"})
    assert not carried.requests
    assert carried.execute(asked).json()["status"] == "executed"


def test_rules_of_now_hold_and_not_those_of_the_decision(carried: Carrying) -> None:
    asked = carried.ask("github.issue.create", ISSUE)
    carried.rule("github", "github.issue.create", "deny")
    denied = carried.execute(asked)
    carried.rule("github", "github.issue.create", "require_approval")
    held = carried.execute(asked)
    carried.rule("github", "github.issue.create", "allow")
    assert code(denied) == (403, "rule_deny")
    assert code(held) == (403, "approval_required")
    assert carried.look(asked)["status"] == "allowed"
    assert not carried.requests
    assert carried.execute(asked).json()["status"] == "executed"


def test_what_is_sent_is_judged_and_not_only_what_was_said(carried: Carrying) -> None:
    """The body of a plain API stands in one parameter; a request of the proxy is judged by what is in the body."""
    policy = """
name: no-large-sums
rules:
  - name: large
    conditions: {field: parameters.amount, operator: greater_than, value: 100}
    decision: deny
    reason: too much
"""
    carried.api("PUT", "/api/dashboard/policies/no-large-sums", {"source": policy})
    asked = carried.ask("http.post", {"host": SERVICE, "path": "/pay", "body": {"amount": 500}}, connector="service")
    assert asked["status"] == "allowed"
    refused = carried.execute(asked)
    assert not carried.requests
    small = carried.ask("http.post", {"host": SERVICE, "path": "/pay", "body": {"amount": 50}}, connector="service")
    assert carried.execute(small).json()["status"] == "executed"
    carried.api("DELETE", "/api/dashboard/policies/no-large-sums")
    assert code(refused) == (403, "policy_deny")


def test_what_was_said_and_is_not_sent_makes_it_no_better(carried: Carrying) -> None:
    """A name that means a key is left out of the request; a rule that wants it there is not satisfied by the word."""
    policy = """
name: only-for-known-clients
rules:
  - name: unknown
    conditions: {field: parameters.client_id, operator: not_exists}
    decision: deny
"""
    carried.api("PUT", "/api/dashboard/policies/only-for-known-clients", {"source": policy})
    asked = carried.ask("github.issue.create", {**ISSUE, "client_id": "known"})
    assert asked["status"] == "allowed"
    refused = carried.execute(asked)
    carried.api("DELETE", "/api/dashboard/policies/only-for-known-clients")
    assert code(refused) == (403, "policy_deny")
    assert not carried.requests


def test_what_counts_towards_a_total_counts_once_and_no_more_if_it_came_to_nothing(carried: Carrying) -> None:
    policy = """
name: no-more-than
rules:
  - name: a-hundred-a-day
    conditions: {field: "total(parameters.amount, window: 1d)", operator: greater_than, value: 100}
    decision: deny
"""
    carried.api("PUT", "/api/dashboard/policies/no-more-than", {"source": policy})

    def ask() -> dict[str, Any]:
        return carried.ask("http.post", {"host": SERVICE, "path": "/pay", "amount": 60}, connector="service")

    first = ask()
    assert ask()["status"] == "denied"
    carried.say(b"{}", "402 Payment Required")
    assert carried.execute(first).json()["status"] == "failed"
    carried.say(b"{}")
    second = ask()
    assert carried.execute(second).json()["status"] == "executed"
    assert ask()["status"] == "denied"
    carried.api("DELETE", "/api/dashboard/policies/no-more-than")


def test_what_no_connector_can_send_is_not_begun(carried: Carrying) -> None:
    missing = carried.ask("github.issue.create", {"owner": "acme", "title": "T"})
    assert carried.execute(missing).status_code == 422
    odd = carried.ask("github.issue.create", {"owner": "acme", "repo": "../../user", "title": "T"})
    assert carried.execute(odd).status_code == 422
    for name in ("\N{CIRCLED DIGIT ONE}", "a\r\nX-Other: b", "user@", ""):
        no_host = {"host": f"{name}.nowhere.example.test", "path": "/"}
        refused = carried.execute(carried.ask("http.get", no_host, connector="nowhere"))
        assert code(refused) == (403, "bad_request")
    assert not carried.requests


def test_without_a_proxy_there_is_nobody_to_do_it(carried: Carrying) -> None:
    asked = carried.ask("github.issue.create", ISSUE)
    carried.server.clock.now += 60  # the proxy's last word is too old now
    assert code(carried.execute(asked)) == (409, "no_gateway")
    carried.rule("github", "github.wake", "allow")  # makes it speak
    carried.wait_for_word()
    assert carried.execute(asked).json()["status"] == "executed"


def test_what_people_agreed_to_is_carried_out(carried: Carrying) -> None:
    carried.rule("github", "github.release.create", "require_approval")
    asked = carried.ask("github.release.create", {"owner": "acme", "repo": "api", "tag_name": "v1"})
    assert asked["status"] == "pending_approval"
    assert (
        carried.agent()
        .post(f"/api/v1/actions/{asked['action_request_id']}/execute", json={"decision_token": "x"})
        .status_code
        == 422
    )
    carried.api("POST", f"/api/dashboard/approvals/{asked['approval']['id']}/votes", {"vote": "approve"})
    carried.server.call(carried.server.services.release.release())
    agreed = carried.look(asked)
    assert agreed["status"] == "approved"
    assert carried.execute(agreed).json()["status"] == "executed"
    (sent,) = carried.requests
    assert sent.target == "/repos/acme/api/releases"
    shown = carried.api("GET", f"/api/dashboard/approvals/{asked['approval']['id']}")
    assert shown["status"] == "executed"


# --- cut on its way


def _waiting(carried: Carrying, asked: dict[str, Any]) -> Future[httpx.Response]:
    """It has reached the upstream, which says nothing."""

    async def silence(talk: Talk) -> None:
        await talk.gone()

    carried.speak = silence
    call = carried.begin(asked)
    wait_for(lambda: len(carried.requests) == 1, "the request at the upstream")
    return call


def test_a_kill_switch_cuts_what_is_under_way(carried: Carrying) -> None:
    asked = carried.ask("github.issue.create", ISSUE)
    call = _waiting(carried, asked)
    carried.api("POST", "/api/v1/kill-switch", {"active": True, "scope": "gateway:main", "reason": "r"})
    done = call.result().json()
    carried.api("POST", "/api/v1/kill-switch", {"active": False, "scope": "gateway:main"})
    carried.wait_for_configuration()
    assert (done["status"], done["outcome"]["code"]) == ("failed", "outcome_unknown")
    assert done["outcome"]["reason"] == "kill_switch_active"
    assert len(carried.requests) == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_proxy_did_not_tell_nobody_knows_and_it_is_not_sent_again(carried: Carrying, number: int) -> None:
    asked = carried.ask("github.issue.create", ISSUE)
    call = _waiting(carried, asked)
    carried.stop(number)
    carried.start()
    done = call.result().json()
    assert (done["status"], done["outcome"]["code"]) == ("failed", "outcome_unknown")
    assert carried.look(asked)["status"] == "failed"
    assert len(carried.requests) == 1


def test_the_sdk_has_it_done_and_raises_where_it_was_not(carried: Carrying) -> None:
    with Client(carried.key, server_url=carried.server.url) as client:
        done = client.execute(client.request_action("github.issue.create", parameters=ISSUE))
        assert (done.status, done.raw["response"]["status"]) == ("executed", 201)
        carried.say(b"{}", "422 Unprocessable Entity")
        with pytest.raises(ExecutionFailed) as failed:
            client.execute(client.request_action("github.issue.create", parameters=ISSUE))
        assert failed.value.code == "upstream_refused"

        async def vanish(talk: Talk) -> None:
            talk.reset()

        carried.speak = vanish
        with pytest.raises(OutcomeUnknown):
            client.execute(client.request_action("github.issue.create", parameters=ISSUE))
    assert len(carried.requests) == 3
