"""Every route of the server with every kind of credential, against the table in access_table.py."""

from __future__ import annotations

import re
from contextlib import closing
from http.client import HTTPConnection

import httpx
from fastapi.routing import iter_route_contexts
from tests.control.access_table import ACCESS, Access, Caller, Kind, Person, Verdict
from tests.control.callers import Cast
from tests.control.running import Running

from tameflare.control.app import create_app
from tameflare.core.roles import Role


def routes(server: Running) -> set[str]:
    """`METHOD /path` of everything that the server answers, in the document or not."""
    app = create_app(server.services)
    return {
        f"{method} {context.path}"
        for context in iter_route_contexts(app.routes)
        for method in context.methods or ()
        if method != "HEAD"
    }


def test_every_route_has_an_entry(server: Running) -> None:
    found = routes(server)
    document = server.client().get("/api/openapi.json").json()["paths"]
    described = {f"{method.upper()} {path}" for path, methods in document.items() for method in methods}
    assert described <= found
    assert sorted(found - set(ACCESS)) == [], "these routes need an entry"
    assert sorted(set(ACCESS) - found) == [], "these routes are gone"


def test_every_route_lets_in_whom_it_should_and_nobody_else(server: Running, owner: httpx.Client) -> None:
    with closing(Asker(server.url)) as asker:
        holes = [
            f"{route}: {caller.name} is {given.value}, not {wanted.value}"
            for caller in Cast(server).everybody()
            for route, access in ACCESS.items()
            if concerned(access, caller)
            and (given := asker.ask(route, caller)) is not (wanted := access.verdict(caller))
        ]
    assert not holes, "\n".join(holes)


def concerned(access: Access, caller: Caller) -> bool:
    """Where no person may call, or everybody may, people of one role stand for all."""
    return caller.kind is not Kind.PERSONAL or caller.role is Role.OWNER or isinstance(access, Person)


class Asker:
    """Asks about nothing that exists, with a body and a query that fit nothing: so that nothing is changed, and whoever
    may not call a route is not told what it takes."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(url.removeprefix("http://"), timeout=30)

    def ask(self, route: str, caller: Caller) -> Verdict:
        method, _, template = route.partition(" ")
        path = re.sub(r"\{[^}]*\}", "no-such-thing", template) + "?limit=-1&wait=-1&cursor=-1"
        body = b"[]" if method in {"POST", "PUT", "PATCH"} else None
        self._connection.request(method, path, body, dict(caller.headers))
        answer = self._connection.getresponse()
        if answer.headers.get_content_type() == "text/event-stream":
            self._connection.close()
        else:
            answer.read()
        assert answer.status < 500, (route, caller.name, answer.status)
        if answer.status == 303 and answer.headers["location"].startswith("/login"):
            return Verdict.LOG_IN
        return {401: Verdict.UNKNOWN, 403: Verdict.FORBIDDEN}.get(answer.status, Verdict.IN)

    def close(self) -> None:
        self._connection.close()
