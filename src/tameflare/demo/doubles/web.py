"""Just enough of a web framework for the doubles: requests in, answers out, routes by pattern."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """One request as it reached a double; header names in lower case, the body whole."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; anything else counts as an empty one."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def fields(self) -> dict[str, str]:
        """The fields of a form or, failing that, of the query: the first value of each name."""
        is_form = self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        text = self.body.decode() if is_form else self.query
        return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}

    def authorization(self) -> tuple[str, str]:
        """Scheme in lower case and credential of the Authorization header; a Basic pair decoded."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return scheme.lower(), value
        try:
            return "basic", base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return "basic", ""


@dataclass(frozen=True)
class Answer:
    """What a double answers; `stream` takes the place of `body` where the answer comes piece by piece."""

    status: int = 200
    body: bytes = b""
    headers: Headers = ()
    stream: AsyncIterator[bytes] | None = None


def json_answer(value: object, status: int = 200, headers: Headers = ()) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, json.dumps(value).encode(), (("content-type", "application/json; charset=utf-8"), *headers))


class Vendor(Protocol):
    """One double: the hosts it answers for, whether a request holds its real credential, and its answers."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names it answers for."""
        ...

    def authorised(self, request: Request) -> bool:
        """Whether the request carries this double's real credential."""
        ...

    async def answer(self, request: Request) -> Answer:
        """The vendor's answer, errors included; never raises for bad requests."""
        ...


Handler = Callable[..., Awaitable[Answer]]


@dataclass
class Routes:
    """Handlers by method and path template; `{name}` takes one segment, `{name+}` the rest."""

    _known: list[tuple[str, re.Pattern[str], Handler]] = field(default_factory=list)

    def add(self, method: str, template: str, handler: Handler) -> None:
        """The handler is called with the request and the captured segments by name."""
        pattern = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", template)
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        self._known.append((method, re.compile(pattern), handler))

    async def answer(self, request: Request) -> Answer | None:
        """None where no route fits."""
        for method, pattern, handler in self._known:
            found = pattern.fullmatch(request.path)
            if method == request.method and found:
                return await handler(request, **found.groupdict())
        return None
