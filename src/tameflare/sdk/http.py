"""How steps of a flow are carried out with httpx."""

from __future__ import annotations

import ssl
from typing import Final

import httpx

from tameflare import __version__
from tameflare.sdk.exchange import Lost, Reply, Send
from tameflare.sdk.options import Options

CONNECT_SECONDS: Final = 5.0
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def context(options: Options) -> ssl.SSLContext:
    """The system's authorities and `ca_file`; for plain http nothing is loaded."""
    if options.server_url.startswith("https:"):
        return ssl.create_default_context(cafile=options.ca_file)
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def request(options: Options, send: Send) -> httpx.Request:
    headers = {
        "Authorization": f"Bearer {options.key.reveal()}",
        "User-Agent": f"tameflare-python/{__version__}",
        "Accept": "application/json",
        "X-Request-ID": send.request_id,
        **send.headers,
    }
    if send.body is not None:
        headers["Content-Type"] = "application/json"
    seconds = options.timeout + send.extra_time
    timeouts = {"connect": min(CONNECT_SECONDS, seconds), "read": seconds, "write": seconds, "pool": seconds}
    url = options.server_url + send.path
    return httpx.Request(send.method, url, headers=headers, content=send.body, extensions={"timeout": timeouts})


def reply(response: httpx.Response) -> Reply:
    return Reply(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.content
    )


def lost(fault: httpx.HTTPError | httpx.InvalidURL) -> Lost:
    """Kind and text only: the fault itself holds the request with its key."""
    why = str(fault) or type(fault).__name__
    return Lost(why, sent=not isinstance(fault, _NEVER_SENT))
