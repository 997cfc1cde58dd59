"""Refusals as the vendors' own SDKs read them."""

from __future__ import annotations

import json

import pytest
from tests.connectors.asking import connector, request

from tameflare.connectors.denials import Denial, Rendered

DENIAL = Denial(403, "rule_deny", "a rule denies this", "x.y.z", "rule_deny", "req_1", ("r1",), "ask an administrator")
LIMITED = Denial(429, "rate_limited", "too many requests", retry_after=7)


def _rendered(kind: str, denial: Denial = DENIAL) -> Rendered:
    return connector(kind, *(("h.test",) if kind == "generic" else ())).deny(denial)


@pytest.mark.parametrize("kind", ["generic", "github", "openai", "anthropic", "stripe", "slack"])
def test_every_shape_holds_our_fields(kind: str) -> None:
    body = json.loads(_rendered(kind).body)
    inner = body["error"] if isinstance(body["error"], dict) else body
    assert inner["code"] == "rule_deny"
    assert inner["message"] == DENIAL.message
    assert inner["action"] == "x.y.z"
    assert inner["reason"] == "rule_deny"
    assert inner["request_id"] == "req_1"
    assert inner["matched"] == ["r1"]
    assert inner["help"] == DENIAL.help


def test_only_refusals_that_pass_say_when() -> None:
    assert ("Retry-After", "7") in _rendered("github", LIMITED).headers
    assert _rendered("github", Denial(403, "x", "y", retry_after=7)).headers == (("x-should-retry", "false"),)


def test_git_is_refused_in_plain_text() -> None:
    asked = request("GET", "github.com", "/a/b.git/info/refs?service=git-upload-pack")
    rendered = connector("github").deny(DENIAL, asked)
    assert rendered.content_type.startswith("text/plain")
    assert b"TameFlare: a rule denies this\n" in rendered.body


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("status", "error"),
    [(403, "PermissionDeniedError"), (408, "APIStatusError"), (401, "AuthenticationError"), (413, "APIStatusError")],
)
def test_llm_sdks_raise_the_right_error_and_do_not_try_again(vendor: str, status: int, error: str) -> None:
    sdk = pytest.importorskip(vendor)
    httpx2 = pytest.importorskip("httpx2")
    rendered = _rendered(vendor, Denial(status, "rule_deny", DENIAL.message, "x.y.z"))
    asked: list[object] = []

    def answer(sent: object) -> object:
        asked.append(sent)
        headers = {**dict(rendered.headers), "content-type": rendered.content_type}
        return httpx2.Response(rendered.status, headers=headers, content=rendered.body)

    maker = {"openai": "OpenAI", "anthropic": "Anthropic"}[vendor]
    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = getattr(sdk, maker)(api_key="k", http_client=http, max_retries=2)
        with pytest.raises(getattr(sdk, error)) as caught:
            client.models.list()
    assert len(asked) == 1
    assert DENIAL.message in str(caught.value)
    if vendor == "openai":
        assert caught.value.code == "rule_deny"


def test_stripe_raises_its_permission_error_and_does_not_try_again() -> None:
    stripe = pytest.importorskip("stripe")
    rendered, asked = _rendered("stripe"), []

    class Answering(stripe._http_client.HTTPClient):  # type: ignore[misc]
        name = "answering"

        def request(self, method: str, url: str, headers: object, post_data: object = None) -> tuple[str, int, object]:
            asked.append(url)
            return rendered.body.decode(), rendered.status, dict(rendered.headers)

        def close(self) -> None:
            asked.append("closed")

    client = stripe.StripeClient("sk_test_x", http_client=Answering(), max_network_retries=2)
    with pytest.raises(stripe.PermissionError) as caught:
        client.v1.refunds.create({"charge": "ch_1"})
    assert len(asked) == 1
    assert caught.value.user_message == DENIAL.message
    assert caught.value.json_body["error"]["code"] == "rule_deny"


def test_pygithub_raises_its_exception_with_our_sentence() -> None:
    requester = pytest.importorskip("github.Requester").Requester
    rendered = _rendered("github")
    fault = requester.createException(rendered.status, dict(rendered.headers), json.loads(rendered.body))
    assert (fault.status, fault.data["code"], fault.message) == (403, "rule_deny", DENIAL.message)
    assert not requester.isRateLimitError(DENIAL.message)


def test_slack_raises_its_error_with_our_code() -> None:
    web = pytest.importorskip("slack_sdk.web")
    errors = pytest.importorskip("slack_sdk.errors")
    rendered = _rendered("slack")
    response = web.SlackResponse(
        client=None,
        http_verb="POST",
        api_url="https://slack.com/api/chat.postMessage",
        req_args={},
        data=json.loads(rendered.body),
        headers={},
        status_code=rendered.status,
    )
    with pytest.raises(errors.SlackApiError) as caught:
        response.validate()
    assert caught.value.response["error"] == "rule_deny"


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (403, "rule_deny", 200),
        (408, "approval_timeout", 200),
        (503, "approvals_unavailable", 200),
        (407, "unauthenticated", 407),
        (429, "rate_limited", 429),
        (502, "upstream_unreachable", 502),
    ],
)
def test_slacks_refusals_are_answers_unless_they_may_pass(status: int, code: str, told: int) -> None:
    """Slack's SDK for Node tries again for half an hour whatever was answered by another status than 200."""
    rendered = _rendered("slack", Denial(status, code, "no"))
    body = json.loads(rendered.body)
    assert (rendered.status, body["ok"], body["error"], body["status"]) == (told, False, code, status)
