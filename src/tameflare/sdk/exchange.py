"""One request with its retries, without a network: a flow says what to send and how long to pause, and is told what
came back. The synchronous and the asynchronous client only carry this out."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from tameflare.sdk.errors import Unavailable
from tameflare.sdk.options import Options

T = TypeVar("T")
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 8.0
LONGEST_RETRY_AFTER: Final = 60.0
"""A server that asks for more is not waited for."""
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
_NOTHING_DONE: Final = frozenset({429})


@dataclass(frozen=True, slots=True)
class Send:
    """`repeatable`: sending it twice does what sending it once does. `extra_time` in seconds: the server may wait."""

    method: str
    path: str
    request_id: str
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    repeatable: bool = True
    extra_time: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came. `sent`: the server may have got the request all the same."""

    why: str
    sent: bool


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


Step = Send | Pause
Came = Reply | Lost | None
Flow = Generator[Step, Came, T]


class NoAnswer(Unavailable):
    """A request whose fate is unknown where `sent` is true."""

    sent = False


def exchange(options: Options, send: Send) -> Flow[Reply]:
    """The answer, whatever its status; what may pass is tried again. Raises NoAnswer."""
    for attempt in range(options.max_retries + 1):
        came = yield send
        assert came is not None
        last = attempt == options.max_retries
        if isinstance(came, Reply) and (last or not _may_pass(came, send)):
            return came
        if isinstance(came, Lost) and (last or (came.sent and not send.repeatable)):
            raise _no_answer(options, came, send)
        yield Pause(_pause(attempt, came))
    raise AssertionError("the last try returns or raises")


def _may_pass(reply: Reply, send: Send) -> bool:
    """Whether another try makes sense, and can do no harm."""
    if reply.headers.get("x-should-retry") == "false":
        return False
    asked = retry_after(reply)
    if asked is not None and asked > LONGEST_RETRY_AFTER:
        return False
    if reply.status == 429 and asked is None:
        return False
    return reply.status in (_AGAIN if send.repeatable else _NOTHING_DONE)


def retry_after(reply: Reply) -> float | None:
    """Seconds that the server asks to wait: a number, or a date (RFC 9110, section 10.2.3)."""
    value = reply.headers.get("retry-after", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _pause(attempt: int, came: Reply | Lost) -> float:
    """What the server asks for, else twice as long each time, and never in step with other clients."""
    asked = retry_after(came) if isinstance(came, Reply) else None
    grown: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**attempt)
    spread = grown * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing
    return spread if asked is None else max(asked, 0.05) + spread / 10


def _no_answer(options: Options, lost: Lost, send: Send) -> NoAnswer:
    fault = NoAnswer(
        f"no answer from {options.server_url}: {lost.why}",
        code="unavailable",
        help="is the server running, and is TF_SERVER_URL right?",
        request_id=send.request_id,
    )
    fault.sent = lost.sent
    return fault
