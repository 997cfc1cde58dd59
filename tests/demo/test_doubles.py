"""The doubles answer the vendors' own SDKs as the vendors do, and know their real key."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import anthropic
import github
import httpx
import openai
import pytest
import slack_sdk
import slack_sdk.errors
import stripe
from tests.support.doubles import Vendors


@pytest.fixture(autouse=True)
def direct(vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(stripe, "ca_bundle_path", str(vendors.certificates.authority))
    with vendors.direct():
        yield


def hub(key: str) -> github.Github:
    return github.Github(auth=github.Auth.Token(key), retry=None, seconds_between_requests=0, seconds_between_writes=0)


def test_github_reads_and_writes(vendors: Vendors) -> None:
    with hub(vendors.keys.github) as client:
        repository = client.get_repo("acme/site")
        assert client.get_user().login == "octo-demo"
        assert repository.get_contents("README.md").decoded_content == b"# site\n"
        issue = repository.create_issue("help", body="please")
        assert repository.get_issue(issue.number).title == "help"
        name = f"docs/{secrets.token_hex(4)}.md"
        made = repository.create_file(name, "add", "new")
        assert repository.update_file(name, "change", "newer", made["content"].sha)["content"].path == name


def test_github_merges_a_pull_request_once(vendors: Vendors) -> None:
    with hub(vendors.keys.github) as client:
        pull = client.get_repo("acme/site").create_pull(title="t", head="feature", base="main")
        assert pull.merge().merged
        with pytest.raises(github.GithubException, match="not mergeable"):
            pull.merge()


def test_github_refuses_another_key() -> None:
    with hub("ghp_wrong") as client, pytest.raises(github.BadCredentialsException, match="Bad credentials"):
        client.get_repo("acme/site")


def test_openai_answers_plain_and_streamed(vendors: Vendors) -> None:
    messages = [{"role": "user", "content": "hi"}]
    with openai.OpenAI(api_key=vendors.keys.openai, max_retries=0) as client:
        plain = client.chat.completions.create(model="gpt-demo", messages=messages)
        with client.chat.completions.create(model="gpt-demo", messages=messages, stream=True) as stream:
            words = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert plain.choices[0].message.content == words == "Hello from the double."
        assert [model.id for model in client.models.list()] == ["gpt-demo"]
        assert client.embeddings.create(model="gpt-demo", input="x").data[0].embedding == [0.25, 0.5]


def test_openai_refuses_another_key() -> None:
    with openai.OpenAI(api_key="sk-wrong", max_retries=0) as client, pytest.raises(openai.AuthenticationError):
        client.models.list()


def test_stripe_makes_and_lists_objects(vendors: Vendors) -> None:
    client = stripe.StripeClient(vendors.keys.stripe)
    customer = client.v1.customers.create({"email": "a@example.com"})
    assert client.v1.customers.retrieve(customer.id).email == "a@example.com"
    assert client.v1.charges.create({"amount": 300, "currency": "eur"}).amount == 300
    assert client.v1.refunds.create({"charge": "ch_demo"}).amount == 5000
    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        client.v1.refunds.create({"charge": "ch_none"})
    client._requestor._client.close()


def test_stripe_refuses_another_key() -> None:
    client = stripe.StripeClient("sk_test_wrong")
    with pytest.raises(stripe.AuthenticationError):
        client.v1.customers.list()
    client._requestor._client.close()


def test_slack_says_failures_with_ok_false(vendors: Vendors) -> None:
    client = slack_sdk.WebClient(vendors.keys.slack)
    assert client.auth_test()["team"] == "demo"
    assert client.chat_postMessage(channel="C0DEMO", text="hi")["message"]["text"] == "hi"
    with pytest.raises(slack_sdk.errors.SlackApiError, match="channel_not_found"):
        client.chat_postMessage(channel="C0NONE", text="hi")
    with pytest.raises(slack_sdk.errors.SlackApiError, match="invalid_auth"):
        slack_sdk.WebClient("xoxb-wrong").auth_test()


def test_anthropic_answers_plain_and_streamed(vendors: Vendors) -> None:
    asked = {"model": "claude-demo", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    with anthropic.Anthropic(api_key=vendors.keys.anthropic, max_retries=0) as client:
        assert client.messages.create(**asked).content[0].text == "Hello from the double."
        with client.messages.stream(**asked) as stream:
            assert "".join(stream.text_stream) == "Hello from the double."
    with (
        anthropic.Anthropic(api_key="sk-ant-wrong", max_retries=0) as client,
        pytest.raises(anthropic.APIError) as fault,
    ):
        client.messages.create(**asked)
    assert isinstance(fault.value, anthropic.AuthenticationError)


def test_git_wants_basic_authentication(vendors: Vendors) -> None:
    url = "https://github.com/acme/site.git/info/refs?service=git-upload-pack"
    with httpx.Client() as client:
        refused = client.get(url)
        allowed = client.get(url, auth=("x-access-token", vendors.keys.github))
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic")
    assert allowed.headers["content-type"] == "application/x-git-upload-pack-advertisement"
    assert b"refs/heads/main" in allowed.content


def test_the_ledger_tells_who_held_the_key(vendors: Vendors) -> None:
    mark = len(vendors.ledger)
    with httpx.Client() as client:
        client.get("https://api.github.com/user", headers={"authorization": f"token {vendors.keys.github}"})
        client.get("https://api.github.com/user")
    assert [entry.authorised for entry in vendors.ledger.since(mark)] == [True, False]
    assert {(entry.host, entry.path) for entry in vendors.ledger.since(mark)} == {("api.github.com", "/user")}
