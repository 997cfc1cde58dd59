"""JSON-RPC errors in place of an MCP server's answers.

MCP's SDKs raise the error of a JSON-RPC answer with its message and data, but take most statuses other than 200 for a
broken transport. So whoever waits for the answer to a request gets 200 and an error with the same id; where no id is
known (the body was not read, or holds no request) the status says it, with the same error. `code` is the status that
the refusal has everywhere else, which is outside the range that JSON-RPC and MCP reserve.
"""

from __future__ import annotations

import json
from typing import Any, Final

from tameflare.connectors.denials import Denial, Rendered, facts, retry
from tameflare.connectors.mcp_messages import Post
from tameflare.core.decision import Reason

JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
_ANSWERED: Final = 200
_AUTHENTICATE: Final = 407


def deny(denial: Denial, post: Post, accept: str) -> Rendered:
    """A refusal of everything that a POST asks. `accept`: what the client reads, as its header says.

    What the client has cancelled is not answered, as MCP wants it: a stream without events ends the POST. (The Python
    SDK would take an answer that comes while its session ends for a fault.)
    """
    if denial.code == Reason.CLIENT_CLOSED and EVENTS in accept.lower():
        return Rendered(_ANSWERED, (), EVENTS, b"")
    data = facts(denial) | {"code": denial.code, "status": denial.status}
    if denial.retry_after:
        data["retry_after"] = denial.retry_after
    body = error(post, denial.status, denial.message, data)
    answers = post.asked and _reads_answers(accept) and denial.status != _AUTHENTICATE
    return Rendered(_ANSWERED if answers else denial.status, retry(denial), JSON, body + b"\n")


def error(post: Post, code: int, message: str, data: dict[str, Any]) -> bytes:
    """One error for each request of a POST, or one without an id."""
    fault = {"code": code, "message": message, "data": data}
    answers = [{"jsonrpc": "2.0", "id": waiting, "error": fault} for waiting in post.asked or (None,)]
    return json.dumps(answers if post.batch and post.asked else answers[0], ensure_ascii=False).encode()


def _reads_answers(accept: str) -> bool:
    """Clients of this transport say so in `Accept`; one of the older HTTP+SSE transport ignores what a POST answers."""
    return JSON in accept.lower() or EVENTS in accept.lower()
