"""What the vendors' own SDKs send is named as people expect; nothing goes over a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.connectors.asking import connector, types

from tameflare.connectors.request import HttpRequest


def _asked(method: str, url: str, headers: Any, body: bytes) -> HttpRequest:
    parts = urlsplit(url)
    triples = [(name.lower().encode(), name.encode(), str(value).encode()) for name, value in dict(headers).items()]
    return HttpRequest(method, "https", parts.hostname or "", 443, parts.path, parts.query, triples, body)


def _llm(vendor: str, maker: str, call: Callable[[Any], object]) -> HttpRequest:
    sdk, httpx2 = pytest.importorskip(vendor), pytest.importorskip("httpx2")
    seen: list[HttpRequest] = []

    def answer(sent: Any) -> Any:
        seen.append(_asked(sent.method, str(sent.url), sent.headers, sent.read()))
        return httpx2.Response(403, json={"error": {"message": "no"}})

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = getattr(sdk, maker)(api_key="k", http_client=http, max_retries=0)
        with pytest.raises(sdk.PermissionDeniedError):
            call(client)
    return seen[0]


_HELLO = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda c: c.chat.completions.create(model="m", messages=_HELLO), "openai.chat.create"),
        (lambda c: c.responses.create(model="m", input="hi"), "openai.response.create"),
        (lambda c: c.embeddings.create(model="m", input="hi"), "openai.embedding.create"),
        (lambda c: c.models.list(), "openai.model.list"),
        (lambda c: c.models.retrieve("ft:gpt/x"), "openai.model.get"),
        (lambda c: c.files.create(file=("a.txt", b"x"), purpose="batch"), "openai.file.upload"),
        (lambda c: c.files.delete("f"), "openai.file.delete"),
        (lambda c: c.images.generate(prompt="a cat"), "openai.image.create"),
        (lambda c: c.vector_stores.search("v", query="q"), "openai.vector_store.search"),
        (lambda c: c.batches.cancel("b"), "openai.batch.cancel"),
    ],
)
def test_openai(call: Callable[[Any], object], name: str) -> None:
    assert types(connector("openai"), _llm("openai", "OpenAI", call)) == [name]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda c: c.messages.create(model="m", max_tokens=1, messages=_HELLO), "anthropic.message.create"),
        (lambda c: c.messages.count_tokens(model="m", messages=_HELLO), "anthropic.message.count_tokens"),
        (lambda c: c.messages.batches.list(), "anthropic.batch.list"),
        (lambda c: c.models.retrieve("m"), "anthropic.model.get"),
        (lambda c: c.beta.messages.create(model="m", max_tokens=1, messages=_HELLO), "anthropic.message.create"),
    ],
)
def test_anthropic(call: Callable[[Any], object], name: str) -> None:
    assert types(connector("anthropic"), _llm("anthropic", "Anthropic", call)) == [name]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda c: c.v1.refunds.create({"charge": "ch_1", "amount": 5}), "stripe.refund.create"),
        (lambda c: c.v1.charges.create({"amount": 5, "currency": "eur"}), "stripe.charge.create"),
        (lambda c: c.v1.payment_intents.create({"amount": 5, "currency": "eur"}), "stripe.payment_intent.create"),
        (lambda c: c.v1.customers.list({"limit": 3}), "stripe.customer.list"),
        (lambda c: c.v1.customers.create({"metadata": {"a": "b"}}), "stripe.customer.create"),
        (lambda c: c.v1.customers.delete("cus_1"), "stripe.customer.delete"),
        (lambda c: c.v1.subscriptions.cancel("sub_1"), "stripe.subscription.cancel"),
        (lambda c: c.v1.invoices.pay("in_1"), "stripe.invoice.pay"),
        (lambda c: c.v1.balance.retrieve(), "stripe.balance.get"),
    ],
)
def test_stripe(call: Callable[[Any], object], name: str) -> None:
    stripe = pytest.importorskip("stripe")
    seen: list[HttpRequest] = []

    class Recording(stripe._http_client.HTTPClient):  # type: ignore[misc]
        name = "recording"

        def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> tuple[str, int, Any]:
            seen.append(_asked(method.upper(), url, headers, (post_data or "").encode()))
            return json.dumps({"error": {"message": "no"}}), 403, {}

        def close(self) -> None:
            """Nothing is open."""

    client = stripe.StripeClient("sk_test_x", http_client=Recording(), max_network_retries=0)
    with pytest.raises(stripe.PermissionError):
        call(client)
    assert types(connector("stripe"), seen[0]) == [name]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda c: c.chat_postMessage(channel="C1", text="hi"), "slack.message.send"),
        (lambda c: c.conversations_archive(channel="C1"), "slack.channel.archive"),
        (lambda c: c.conversations_list(limit=5), "slack.channel.list"),
        (lambda c: c.auth_test(), "slack.auth.test"),
        (lambda c: c.users_lookupByEmail(email="a@b.c"), "slack.user.find"),
        (lambda c: c.views_open(trigger_id="t", view={"type": "modal"}), "slack.view.open"),
    ],
)
def test_slack(call: Callable[[Any], object], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = pytest.importorskip("slack_sdk")
    base = pytest.importorskip("slack_sdk.web.base_client")
    seen: list[HttpRequest] = []

    class Answer:
        status, code, headers = 200, 200, pytest.importorskip("http.client").HTTPMessage()

        def read(self) -> bytes:
            return b'{"ok":true}'

    def urlopen(sent: Any, **_: object) -> Answer:
        seen.append(_asked(sent.get_method(), sent.full_url, sent.header_items(), sent.data or b""))
        return Answer()

    monkeypatch.setattr(base, "urlopen", urlopen)
    call(sdk.WebClient(token="xoxb-x"))
    assert types(connector("slack"), seen[0]) == [name]


_REPO = {"full_name": "a/b", "url": "https://api.github.com/repos/a/b", "name": "b"}
_PULL = {"number": 7, "url": "https://api.github.com/repos/a/b/pulls/7"}
_BRANCH = {"name": "feature/x", "protection_url": "https://api.github.com/repos/a/b/branches/feature/x/protection"}
_ISSUE = {"number": 7, "url": "https://api.github.com/repos/a/b/issues/7"}


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda g, r: g.get_user().login, "github.user.get"),
        (lambda g, r: list(r.get_pulls()), "github.pr.list"),
        (lambda g, r: r.get_pull(7).merge(), "github.pr.merge"),
        (lambda g, r: r.get_pull(7).edit(state="closed"), "github.pr.close"),
        (lambda g, r: r.get_pull(7).create_review(body="x"), "github.pr.review"),
        (lambda g, r: r.create_pull(base="main", head="x", title="t"), "github.pr.create"),
        (lambda g, r: r.create_issue("t"), "github.issue.create"),
        (lambda g, r: r.get_issue(7).create_comment("x"), "github.issue.comment"),
        (lambda g, r: r.create_file("docs/a.md", "m", "x"), "github.file.create"),
        (lambda g, r: r.update_file("docs/a.md", "m", "x", "sha"), "github.file.update"),
        (lambda g, r: r.delete_file("docs/a.md", "m", "sha"), "github.file.delete"),
        (lambda g, r: r.get_branch("feature/x"), "github.branch.get"),
        (lambda g, r: r.get_branch("feature/x").get_protection(), "github.branch.get_protection"),
        (lambda g, r: r.create_git_ref("refs/heads/x", "sha"), "github.branch.create"),
        (lambda g, r: r.create_git_release("v1", "n", "m"), "github.release.create"),
        (lambda g, r: r.delete(), "github.repo.delete"),
        (lambda g, r: r.edit(private=True), "github.repo.update"),
    ],
)
def test_github(call: Callable[[Any, Any], object], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    github = pytest.importorskip("github")
    requests = pytest.importorskip("requests")
    seen: list[HttpRequest] = []

    def send(_: object, sent: Any, **__: object) -> Any:
        body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
        seen.append(_asked(sent.method, sent.url, sent.headers, body))
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 200, sent, sent.url
        given = (
            _PULL
            if "/pulls/7" in sent.url
            else _ISSUE
            if "/issues/7" in sent.url
            else _BRANCH
            if "/branches/" in sent.url
            else _REPO
        )
        answer._content = json.dumps(given).encode()
        answer.headers["Content-Type"] = "application/json"
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    client = github.Github(
        auth=github.Auth.Token("x"), retry=None, seconds_between_requests=0, seconds_between_writes=0
    )
    try:
        call(client, client.get_repo("a/b"))
    except (github.GithubException, TypeError, AttributeError, KeyError):
        assert seen  # the double's answers are too thin for some objects; what was sent is what counts
    assert name in [types(connector("github"), asked)[0] for asked in seen]
    client.close()
