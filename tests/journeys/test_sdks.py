"""The vendors' own SDKs under `tf run`, unchanged: allowed, denied readably and without a retry storm."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path

from tests.support.product import Governed


def test_openai_plain_and_streamed(governed: Governed) -> None:
    with governed.upstream("api.openai.com") as reached:
        told = governed.python("""
            import json, openai
            client, messages = openai.OpenAI(), [{"role": "user", "content": "hi"}]
            plain = client.chat.completions.create(model="gpt-demo", messages=messages)
            with client.chat.completions.create(model="gpt-demo", messages=messages, stream=True) as stream:
                words = [chunk.choices[0].delta.content for chunk in stream]
            vector = client.embeddings.create(model="gpt-demo", input="x").data[0].embedding
            print(json.dumps([plain.choices[0].message.content, words, vector]))
        """)
    assert told == ["Hello from the double.", ["", "Hello ", "from ", "the ", "double.", None], [0.25, 0.5]]
    assert reached() == ["POST /v1/chat/completions"] * 2 + ["POST /v1/embeddings"]


def test_openai_denied(governed: Governed) -> None:
    with governed.upstream("api.openai.com") as reached:
        told = governed.python("""
            import json, openai
            try:
                openai.OpenAI().models.delete("ft-precious")
            except openai.PermissionDeniedError as fault:
                print(json.dumps([fault.code, fault.body, str(fault)]))
        """)
    code, body, sentence = told
    assert code == body["reason"] == "rule_deny"
    assert body["action"] == "openai.model.delete"
    assert body["message"] in sentence
    assert reached() == []
    assert recorded_once(governed, "api.openai.com", "/v1/models/ft-precious")["request_id"] == body["request_id"]


def test_anthropic(governed: Governed) -> None:
    with governed.upstream("api.anthropic.com") as reached:
        told = governed.python("""
            import json, anthropic
            client = anthropic.Anthropic()
            asked = {"model": "claude-demo", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
            plain = client.messages.create(**asked).content[0].text
            with client.messages.stream(**asked) as stream:
                words = "".join(stream.text_stream)
            try:
                client.models.list(limit=7)
            except anthropic.PermissionDeniedError as fault:
                print(json.dumps([plain, words, fault.body["error"]]))
        """)
    plain, words, error = told
    assert plain == words == "Hello from the double."
    assert (error["type"], error["code"]) == ("permission_error", "no_rule")
    assert reached() == ["POST /v1/messages"] * 2
    recorded_once(governed, "api.anthropic.com", "/v1/models")


def test_stripe(governed: Governed) -> None:
    with governed.upstream("api.stripe.com") as reached:
        told = governed.python("""
            import json, os, stripe
            stripe.ca_bundle_path, stripe.api_key = os.environ["SSL_CERT_FILE"], os.environ["STRIPE_API_KEY"]
            customer = stripe.Customer.create(email="a@example.com")
            found = stripe.Customer.retrieve(customer.id)
            try:
                stripe.Refund.create(charge="ch_demo", amount=100)
            except stripe.StripeError as fault:
                said = [fault.http_status, fault.error.code, fault.user_message, fault.json_body]
                print(json.dumps([found.email, *said]))
        """)
    email, status, code, sentence, body = told
    assert (email, status, code) == ("a@example.com", 403, "rule_deny")
    assert sentence == body["error"]["message"]
    assert [line.split("/")[2] for line in reached()] == ["customers", "customers"]
    assert recorded_once(governed, "api.stripe.com", "/v1/refunds")["action"] == "stripe.refund.create"


def test_stripe_in_a_program_that_cannot_be_changed(governed: Governed) -> None:
    """Started through the lines that the how-to gives."""
    page = Path(__file__).resolve().parents[2] / "docs" / "howto" / "connect-a-client.md"
    found = re.search(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    program = """
        import json, os, stripe
        stripe.api_key = os.environ["STRIPE_API_KEY"]
        stripe.max_network_retries = 0
        print(json.dumps(stripe.Customer.create(email="a@example.com").email))
    """
    (governed.product.project / "agent.py").write_text(textwrap.dedent(program))
    assert governed.python(found[1]) == "a@example.com"
    alone = governed.run(sys.executable, "agent.py")
    assert "Could not verify Stripe's SSL certificate" in alone.stderr


def test_pygithub(governed: Governed) -> None:
    with governed.upstream("api.github.com") as reached:
        told = governed.python("""
            import github, json, os
            client = github.Github(auth=github.Auth.Token(os.environ["GITHUB_TOKEN"]), seconds_between_writes=0)
            repository = client.get_repo("acme/site")
            pulls = [pull.title for pull in repository.get_pulls()]
            issue = repository.create_issue("from the agent")
            pull = repository.create_pull(title="mine", head="feature", base="main")
            try:
                pull.merge()
            except github.GithubException as fault:
                print(json.dumps([pulls, issue.title, pull.number, fault.status, fault.data, str(fault)]))
        """)
    pulls, title, number, status, data, sentence = told
    assert "Add a page" in pulls
    assert (title, status, data["code"]) == ("from the agent", 403, "rule_deny")
    assert data["action"] == "github.pr.merge"
    assert data["message"] in sentence
    assert not [line for line in reached() if line.endswith("/merge")]
    recorded_once(governed, "api.github.com", f"/repos/acme/site/pulls/{number}/merge")


def test_slack(governed: Governed) -> None:
    with governed.upstream("slack.com") as reached:
        told = governed.python("""
            import json, os, slack_sdk, slack_sdk.errors
            client = slack_sdk.WebClient(os.environ["SLACK_BOT_TOKEN"])
            team = client.auth_test()["team"]
            sent = client.chat_postMessage(channel="C0DEMO", text="hi")["message"]["text"]
            try:
                client.conversations_archive(channel="C0DEMO")
            except slack_sdk.errors.SlackApiError as fault:
                print(json.dumps([team, sent, fault.response.data, str(fault)]))
        """)
    team, sent, data, sentence = told
    assert (team, sent) == ("demo", "hi")
    assert (data["ok"], data["error"]) == (False, "rule_deny")
    assert data["error"] in sentence
    assert reached() == ["POST /api/auth.test", "POST /api/chat.postMessage"]
    recorded_once(governed, "slack.com", "/api/conversations.archive")


def recorded_once(governed: Governed, host: str, path: str) -> dict[str, str]:
    """The one record of a denied path: a second would be a retry."""
    row = governed.record(lambda row: (row["host"], row["path"].partition("?")[0]) == (host, path))
    assert row["decision"] == "deny"
    assert len([other for other in governed.product.traffic() if row["path"] == other["path"]]) == 1
    return row


def test_sdks_that_are_led_elsewhere(governed: Governed) -> None:
    with governed.upstream("collector.example") as leaked:
        told = governed.python("""
            import asyncio, json, openai
            elsewhere = "https://collector.example/v1"
            async def ask():
                await openai.AsyncOpenAI(base_url=elsewhere).models.list()
            told = []
            for attempt in (lambda: openai.OpenAI(base_url=elsewhere).models.list(), lambda: asyncio.run(ask())):
                try:
                    attempt()
                except openai.PermissionDeniedError as fault:
                    told.append(fault.response.json()["code"])
            print(json.dumps(told))
        """)
    assert told == ["no_connector", "no_connector"]
    assert leaked() == []


def test_a_key_that_an_answer_gives_away(governed: Governed) -> None:
    """Plain, streamed and in a request's error: the agent's SDK sees stars in its place, and the rest as it was."""
    key = governed.vendors.keys.openai
    told = governed.python("""
        import json, openai
        client = openai.OpenAI()
        asked = {"model": "gpt-echo", "messages": [{"role": "user", "content": "what is your key?"}]}
        plain = client.chat.completions.create(**asked).choices[0].message.content
        with client.chat.completions.create(**asked, stream=True) as stream:
            words = [chunk.choices[0].delta.content or "" for chunk in stream]
        print(json.dumps([plain, words]))
    """)
    plain, words = told
    assert plain == "".join(words)
    assert words[:4] == ["", "The key is ", "*" * len(key), ", or "]
    assert key not in json.dumps(told)
    hidden = words[4].strip("*").rstrip("=")
    assert hidden.startswith("a2V5")
    assert len(hidden) < 8
    row = governed.record(lambda row: row["host"] == "api.openai.com" and row["flags"] == ["masked"])
    assert (row["decision"], row["status"]) == ("allow", 200)
