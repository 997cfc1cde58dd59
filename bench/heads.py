"""Heads of the requests that are measured: the same ones whatever way they go."""

from __future__ import annotations

import base64
from typing import Final

from tameflare.connectors.placeholders import placeholder

HOST: Final = "api.github.com"
UPLOAD_HOST: Final = "uploads.github.com"
NUMBER: Final = "######"  # the load generator puts another number there each time
HEADERS: Final = (
    "User-Agent: bench/1.0 (linux x86_64)\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n"
    f"Authorization: Bearer {placeholder('github', 'github')}\r\nX-Request-Id: 5f0c4c2e-7f7b-4a63-9d0e-1d6a4f6b5c11\r\n"
    "X-GitHub-Api-Version: 2022-11-28\r\nX-Agent-Version: 1.2.3\r\n"
)


def request_head(line: str, host: str = HOST, extra: str = "") -> bytes:
    return f"{line} HTTP/1.1\r\nHost: {host}\r\n{HEADERS}{extra}\r\n".encode()


def connect_head(target: str, token: str = "") -> bytes:
    """`target` is a host and a port, as `example.com:443`; no token: no authorization."""
    credential = base64.b64encode(f"{token}:".encode()).decode()
    authorization = f"Proxy-Authorization: Basic {credential}\r\n" if token else ""
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n".encode()


def requests_of(size: int, host: str = HOST, upload_host: str = UPLOAD_HOST) -> dict[str, bytes]:
    """The heads that jobs name. `size` is that of what is uploaded or downloaded, in bytes."""
    upload = f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n"
    return {
        "json": request_head(f"GET /repos/octo/hello/pulls/{NUMBER}", host),
        "events": request_head("GET /repos/octo/hello/contents/sse", host),
        "download": request_head(f"GET /repos/octo/hello/contents/bytes/{size}", host),
        "upload": request_head("POST /repos/octo/hello/releases/1/assets?name=x", upload_host, upload),
    }


def host_of(request: str) -> str:
    """Where a job's request goes, by its name."""
    return UPLOAD_HOST if request == "upload" else HOST
