"""Requests that wait for people: through the whole product, with the vendors' doubles behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.support.asking import Asking, asking, file_body, file_url, path
from tests.support.doubles import Vendors

from tameflare.core.errors import TameFlareError
from tameflare.demo.product import wait_until


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors) -> Iterator[Asking]:
    with asking(tmp_path_factory.mktemp("asking"), vendors) as running:
        yield running


def test_what_people_agree_to_goes_once_with_the_credential(asked: Asking) -> None:
    request = asked.write("once")
    shown = asked.about("once")
    assert asked.sent("once") == 0
    assert shown["actions"][0]["type"] == "github.file.create"
    assert shown["actions"][0]["parameters"]["message"] == "add"
    asked.vote(shown["id"], reason="looks good")
    answer = request.result()
    assert answer.status_code == 201, answer.text
    assert asked.sent("once") == 1
    record = asked.record(answer.headers["x-tameflare-request-id"])
    assert (record["decision"], record["reason"]) == ("allow", "approved")
    assert f"approval:{shown['id']}" in record["matched"]
    done = asked.becomes(shown["id"], "executed")
    assert done["outcome"]["status"] == 201


def test_what_a_person_denies_is_refused_with_their_reason(asked: Asking) -> None:
    request = asked.write("denied")
    asked.vote(asked.about("denied")["id"], "deny", reason="not on a Friday")
    answer = request.result()
    assert (answer.status_code, answer.json()["code"]) == (403, "approval_denied")
    assert "not on a Friday" in answer.json()["message"]
    assert answer.headers["x-should-retry"] == "false"
    assert asked.sent("denied") == 0
    assert asked.record(answer.headers["x-tameflare-request-id"])["reason"] == "approval_denied"


def test_a_client_that_hung_up_joins_the_approval_that_waits(asked: Asking) -> None:
    asked.give_up("again")
    left = asked.about("again", waiting=0)
    again = asked.write("again")
    assert asked.about("again")["id"] == left["id"]
    asked.vote(left["id"])
    assert again.result().status_code == 201
    assert asked.sent("again") == 1


def test_an_approval_given_with_nobody_waiting_is_good_for_one_request(asked: Asking) -> None:
    asked.give_up("grant")
    asked.vote(asked.about("grant", waiting=0)["id"])
    assert asked.sent("grant") == 0
    assert asked.write("grant").result().status_code == 201
    second = asked.write("grant")
    asked.vote(asked.about("grant")["id"], "deny")
    assert second.result().status_code == 403
    assert asked.sent("grant") == 1


def test_of_two_that_wait_one_goes_and_people_are_asked_about_the_other(asked: Asking) -> None:
    both = [asked.write("twins"), asked.write("twins")]
    shown = asked.about("twins", waiting=2)
    asked.vote(shown["id"])
    other = asked.about("twins", waiting=1)
    assert other["id"] != shown["id"]
    wait_until(lambda: asked.sent("twins") == 1, "the first to go", 10)
    asked.vote(other["id"], "deny")
    assert sorted(request.result().status_code for request in both) == [201, 403]
    assert asked.sent("twins") == 1


def test_another_body_is_another_approval(asked: Asking) -> None:
    add = asked.write("body")
    shown = asked.about("body")
    other = asked.write("body", "something else")
    wait_until(lambda: len([one for one in asked.approvals() if one["path"] == path("body")]) == 2, "two approvals", 10)
    asked.vote(shown["id"])
    assert add.result().status_code == 201
    assert other.is_alive()
    asked.vote(asked.about("body")["id"], "deny")
    assert other.result().status_code == 403


def test_a_kill_switch_ends_what_waits(asked: Asking) -> None:
    request = asked.write("killed")
    shown = asked.about("killed")
    asked.product.kill_switch(active=True, scope="connector:github")
    try:
        answer = request.result()
        assert (answer.status_code, answer.json()["code"]) == (403, "kill_switch_active")
        assert answer.headers["x-tameflare-kill-switch"] == "active"
        assert asked.approval(shown["id"])["status"] == "denied"
        with pytest.raises(TameFlareError, match="409"):
            asked.vote(shown["id"])
    finally:
        asked.product.kill_switch(active=False, scope="connector:github")
    assert asked.sent("killed") == 0


def test_a_rule_that_denies_meanwhile_holds_against_the_approval(asked: Asking) -> None:
    request = asked.write("ruled")
    shown = asked.about("ruled")
    asked.rule("github.file.create", "deny")
    try:
        asked.vote(shown["id"])
        answer = request.result()
        assert (answer.status_code, answer.json()["code"]) == (403, "rule_deny")
    finally:
        asked.rule("github.file.create", "require_approval")
        asked.product.wait_for_configuration()
    assert asked.sent("ruled") == 0


def test_what_is_remembered_is_not_asked_again(asked: Asking) -> None:
    request = asked.write("remembered")
    shown = asked.about("remembered")
    asked.vote(shown["id"], remember="hour")
    assert request.result().status_code == 201
    asked.product.wait_for_configuration()
    answer = asked.write("remembered").result()
    assert asked.sent("remembered") == 2
    assert asked.record(answer.headers["x-tameflare-request-id"])["reason"] == "remembered"
    (one,) = asked.product.api("GET", "/api/dashboard/approvals/remembered")["remembered"]
    asked.product.api("DELETE", f"/api/dashboard/approvals/remembered/{one['id']}")
    asked.product.wait_for_configuration()
    again = asked.write("remembered")
    asked.vote(asked.about("remembered")["id"], "deny")
    assert again.result().status_code == 403


def test_a_body_that_cannot_be_kept_is_refused(asked: Asking) -> None:
    answer = asked.send("POST", "https://api.openai.com/v1/files", content=b"x" * ((16 << 20) + 1)).result()
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large_to_hold")


def test_a_client_that_waits_for_leave_to_send_its_body_is_given_it(asked: Asking) -> None:
    """Its body is what people agree to, so it is asked for before they are."""
    curl = asked.curl(
        "-sS", "-X", "PUT", "-H", "Expect: 100-continue", "--expect100-timeout", "60", "-o", "/dev/null",
        "-w", "%{http_code}", "--data", json.dumps(file_body("add")), "-H", "Content-Type: application/json",
        file_url("expected"),
    )  # fmt: skip
    shown = asked.about("expected")
    assert shown["actions"][0]["parameters"]["message"] == "add"
    asked.vote(shown["id"])
    out, _ = curl.communicate(timeout=30)
    assert out == "201"
    assert asked.sent("expected") == 1


OPENAI = """
import json, openai, time
client = openai.OpenAI(api_key="tf", max_retries=3)
began = time.monotonic()
try:
    client.models.list()
except openai.APIStatusError as fault:
    print(json.dumps([type(fault).__name__, fault.status_code, str(fault), time.monotonic() - began]))
"""


def test_an_sdk_reads_why_and_does_not_try_again(asked: Asking) -> None:
    agent = asked.agent(OPENAI)
    shown = asked.pending("openai.model.list")
    asked.vote(shown["id"], "deny", reason="not this one")
    kind, status, text, _ = json.loads(agent.communicate(timeout=60)[0].splitlines()[-1])
    assert (kind, status) == ("PermissionDeniedError", 403)
    assert "not this one" in text
    assert [one for one in asked.approvals() if one["connector"] == "openai"] == []


def test_people_are_told_of_a_body_that_the_vendor_may_read_otherwise(asked: Asking) -> None:
    """What stands in it counts for the vendor, but cannot be read for certain here."""
    body = b'{"model": "gpt-4o", "input": "hello"}'
    headers = {"Content-Type": "application/json; charset=iso-8859-1"}
    request = asked.send("POST", "https://api.openai.com/v1/embeddings", content=body, headers=headers)
    shown = asked.pending("openai.embedding.create")
    assert "input" not in shown["actions"][0]["parameters"]
    assert shown["unshown"] == f"a body of {len(body)} bytes: the body has a charset other than UTF-8"
    asked.vote(shown["id"], "deny")
    assert request.result().status_code == 403
