"""Clients in Python."""

from __future__ import annotations

import sys
from typing import Any, Final

from tests.matrix.clients import ALLOWED, AROUND, CLOSED, DENIED, HELD, PROGRAMS, STREAM, Client, Verdict
from tests.matrix.doubles.aws import KEY_ID

from tameflare.cli.isolating import available

LANGUAGE: Final = "Python"


def client(name: str, **options: Any) -> Client:
    """A client whose program is called after it."""
    options = {"pinned": True, **options}
    program = PROGRAMS / "python" / f"{name.replace('-', '_')}_client.py"
    return Client(name, LANGUAGE, (sys.executable, str(program)), **options)


def isolated() -> str:
    """Why nothing can be isolated here; empty where it can."""
    return str(available() or "")


UNSTREAMED: Final = (ALLOWED, DENIED, HELD)
ALONE: Final[dict[str, Any]] = {
    "verdict": Verdict.ISOLATE,
    "scenarios": (CLOSED,),
    "options": ("--isolate", "--show", str(PROGRAMS)),  # wherever the checkout lies
    "missing": isolated,
}
MENDED: Final = "The line above is the mend; this is what its user sees with `--isolate` without it."
CLIENTS: Final = (
    client("urllib", pinned=False, remark="`urllib.request` of the standard library."),
    client(
        "urllib3",
        remark="with a `ProxyManager` that the program makes from `HTTPS_PROXY`, as its documentation shows. It raises "
        "nothing for a refusal; this is the status and reason of the answer.",
    ),
    client("urllib3-alone", **ALONE, remark="a `PoolManager`, which reads no variables. " + MENDED),
    client("requests", remark="what `raise_for_status()` raises; the body of the answer says more."),
    client("httpx", remark="what `raise_for_status()` raises; the body of the answer says more."),
    client("httpx2", remark="the same."),
    client(
        "aiohttp",
        over_https=AROUND,
        remark="with `ClientSession(trust_env=True)`; what `raise_for_status` raises. **It ignores a proxy by https** "
        "and goes past it, with a line in its log; told of it by `ClientSession(proxy=…)` it uses it.",
    ),
    client("aiohttp-alone", **ALONE, remark="as it is by default, without `trust_env`. " + MENDED),
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
    client("langchain-openai", over_https="", remark="on top of `openai`."),
    client("langchain-anthropic", scenarios=(ALLOWED, DENIED, STREAM), over_https="", remark="on top of `anthropic`."),
)
