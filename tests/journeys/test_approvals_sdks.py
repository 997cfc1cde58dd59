"""The vendors' own SDKs, and git, whose requests wait for people: unchanged, with their own retries switched on."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.support.asking import Asking, asking
from tests.support.doubles import Vendors

PATIENCE = 60.0


@dataclass(frozen=True)
class Sdk:
    """A program that does one deed, which must be approved, and prints what it got, or which error was raised.

    `path` is what the deed asks of the vendor; `fault` the SDK's error for a no, `late` the one for nobody's answer.
    """

    host: str
    path: str
    action: str
    done: str
    fault: str
    late: str
    program: str


SDKS = {
    "openai": Sdk(
        "api.openai.com",
        "/v1/embeddings",
        "openai.embedding.create",
        "0.25",
        "PermissionDeniedError",
        "APIStatusError",
        """
        import openai
        def deed():
            client = openai.OpenAI(max_retries=3)
            return client.embeddings.create(model="gpt-demo", input="x").data[0].embedding[0]
        """,
    ),
    "anthropic": Sdk(
        "api.anthropic.com",
        "/v1/messages",
        "anthropic.message.create",
        "Hello from the double.",
        "PermissionDeniedError",
        "RequestTimeoutError",
        """
        import anthropic
        def deed():
            client = anthropic.Anthropic(max_retries=3)
            message = {"role": "user", "content": "hi"}
            return client.messages.create(model="claude-demo", max_tokens=9, messages=[message]).content[0].text
        """,
    ),
    "stripe": Sdk(
        "api.stripe.com",
        "/v1/customers",
        "stripe.customer.create",
        "a@example.com",
        "PermissionError",
        "APIError",
        """
        import os, stripe
        stripe.ca_bundle_path, stripe.api_key = os.environ["SSL_CERT_FILE"], os.environ["STRIPE_API_KEY"]
        stripe.max_network_retries = 3
        def deed():
            return stripe.Customer.create(email="a@example.com").email
        """,
    ),
    "slack": Sdk(
        "slack.com",
        "/api/chat.postMessage",
        "slack.message.send",
        "hi",
        "SlackApiError",
        "SlackApiError",
        """
        import os, slack_sdk
        from slack_sdk.http_retry import all_builtin_retry_handlers
        def deed():
            client = slack_sdk.WebClient(os.environ["SLACK_BOT_TOKEN"], retry_handlers=all_builtin_retry_handlers())
            return client.chat_postMessage(channel="C0DEMO", text="hi")["message"]["text"]
        """,
    ),
    "github": Sdk(
        "api.github.com",
        "/repos/acme/site/issues",
        "github.issue.create",
        "from the agent",
        "GithubException",
        "GithubException",
        """
        import github, os
        def deed():
            client = github.Github(auth=github.Auth.Token(os.environ["GITHUB_TOKEN"]), seconds_between_writes=0)
            return client.get_repo("acme/site", lazy=True).create_issue("from the agent").title
        """,
    ),
}
TOLD = """
import json
try:
    print(json.dumps({"done": str(deed())}))
except Exception as fault:
    print(json.dumps({"fault": type(fault).__name__, "text": str(fault)}))
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors) -> Iterator[Asking]:
    with asking(tmp_path_factory.mktemp("asking"), vendors) as running:
        yield running


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors) -> Iterator[Asking]:
    """Connections wait two seconds."""
    with asking(tmp_path_factory.mktemp("hasty"), vendors, TF_APPROVAL_TIMEOUT="4") as running:
        yield running


class Agent:
    """A running program, and what has come of it since it was started."""

    def __init__(self, asked: Asking, sdk: Sdk) -> None:
        self._asked = asked
        self._sdk = sdk
        self._before = self._sent(), self._raised(), asked.records(sdk.action)
        self._process = asked.agent(textwrap.dedent(sdk.program) + TOLD)

    def told(self) -> dict[str, Any]:
        out, err = self._process.communicate(timeout=PATIENCE)
        assert self._process.returncode == 0, err
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found

    @property
    def counts(self) -> tuple[int, int]:
        """How often the deed was asked of the vendor, and how many approvals of it were raised."""
        return self._sent() - self._before[0], self._raised() - self._before[1]

    @property
    def requests(self) -> int:
        """How often the program asked the proxy for it, in so far as it was answered."""
        return self._asked.records(self._sdk.action) - self._before[2]

    def _sent(self) -> int:
        entries = self._asked.vendors.ledger.entries(self._sdk.host)
        return sum(seen.path == self._sdk.path and seen.method == "POST" for seen in entries)

    def _raised(self) -> int:
        return sum(one["actions"][0]["type"] == self._sdk.action for one in self._asked.approvals("all"))


@pytest.mark.parametrize("name", SDKS)
def test_what_is_approved_goes_once(asked: Asking, name: str) -> None:
    sdk = SDKS[name]
    agent = Agent(asked, sdk)
    shown = asked.pending(sdk.action)
    assert agent.counts == (0, 1)
    asked.vote(shown["id"])
    assert agent.told() == {"done": sdk.done}
    assert (*agent.counts, agent.requests) == (1, 1, 1)
    asked.becomes(shown["id"], "executed")


@pytest.mark.parametrize("name", SDKS)
def test_what_is_denied_raises_the_sdks_error_with_the_reason_and_is_not_tried_again(asked: Asking, name: str) -> None:
    sdk = SDKS[name]
    agent = Agent(asked, sdk)
    asked.vote(asked.pending(sdk.action)["id"], "deny", reason="wrong customer, ask Ada")
    told = agent.told()
    assert told["fault"] == sdk.fault
    assert "wrong customer, ask Ada" in told["text"]
    assert (*agent.counts, agent.requests) == (0, 1, 1)


@pytest.mark.parametrize("name", SDKS)
def test_what_nobody_answers_raises_the_sdks_error_and_is_not_tried_again(hasty: Asking, name: str) -> None:
    sdk = SDKS[name]
    agent = Agent(hasty, sdk)
    told = agent.told()
    assert told["fault"] == sdk.late
    assert "nobody answered while the connection waited" in told["text"]
    assert (*agent.counts, agent.requests) == (0, 1, 1)
