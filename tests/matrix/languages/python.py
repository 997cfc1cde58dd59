"""Clients in Python."""

from __future__ import annotations

import sys
from typing import Any, Final

from tests.matrix.clients import ALLOWED, DENIED, HELD, PROGRAMS, STREAM, Client, Verdict
from tests.matrix.doubles.aws import KEY_ID

LANGUAGE: Final = "Python"


def client(name: str, **options: Any) -> Client:
    """A client whose program is called after it."""
    program = PROGRAMS / "python" / f"{name.replace('-', '_')}_client.py"
    return Client(name, LANGUAGE, (sys.executable, str(program)), **options)


UNSTREAMED: Final = (ALLOWED, DENIED, HELD)
CLIENTS: Final = (
    client("urllib", remark="`urllib.request` of the standard library."),
    client(
        "urllib3",
        remark="with a `ProxyManager` that the program makes from `HTTPS_PROXY`, as its documentation shows. It raises "
        "nothing for a refusal; this is the status and reason of the answer.",
    ),
    client("requests", remark="what `raise_for_status()` raises; the body of the answer says more."),
    client("httpx", remark="what `raise_for_status()` raises; the body of the answer says more."),
    client("httpx2", remark="the same."),
    client("aiohttp", remark="with `ClientSession(trust_env=True)`; what `raise_for_status` raises."),
    client("openai"),
    client("anthropic"),
    client(
        "stripe",
        verdict=Verdict.SHIM,
        scenarios=UNSTREAMED,
        remark="it trusts a file of authorities that it brings, so it needs one line: "
        '`stripe.ca_bundle_path = os.environ["SSL_CERT_FILE"]`. `tf run` does not put it there; a program that cannot '
        "be changed is [started through it](../howto/connect-a-client.md#the-stripe-sdk-for-python).",
    ),
    client("pygithub", scenarios=UNSTREAMED),
    client("slack_sdk", scenarios=UNSTREAMED, remark="with all its handlers for trying again switched on."),
    client(
        "boto3",
        own_key={"AWS_SECRET_ACCESS_KEY": "aws"},
        environment={"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_DEFAULT_REGION": "us-east-1"},
        remark="**it holds a real key.** It signs its requests itself, over their bytes, and a placeholder's signature "
        "cannot be exchanged for another. So it is judged, held and recorded through a `generic` connector with "
        "`credential: passthrough`, and its signature arrives whole; but what the program does not hold it cannot sign "
        "with. Give it a key that lives briefly and may do little.",
    ),
    client("mcp", remark="it needs no key at all; the gateway puts the credential in."),
    client(
        "google-genai",
        environment={"GOOGLE_API_KEY": "tameflare_google_placeholder"},
        remark="through a `generic` connector named `google` for `generativelanguage.googleapis.com` with the header "
        "`x-goog-api-key`. `tf run` sets no variable for `generic` connectors: set `GOOGLE_API_KEY` to "
        "`tameflare_google_placeholder`, or to anything. With `retry_options` set it tries again after a 408, which is "
        "the answer where nobody approved in time; it joins the same approval then.",
    ),
    client("langchain-openai"),
    client("langchain-anthropic", scenarios=(ALLOWED, DENIED, STREAM)),
)
