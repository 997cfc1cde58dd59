"""Every route of the server with every kind of credential, against the table in access_table.py."""

from __future__ import annotations

import re
from contextlib import closing
from http.client import HTTPConnection

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from tests.control.access_table import ACCESS, Access, AgentOr, Caller, Kind, Person, Verdict
from tests.control.asking import agent
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


@pytest.mark.usefixtures("quiet")
def test_every_route_lets_in_whom_it_should_and_nobody_else(server: Running, owner: httpx.Client) -> None:
    with closing(Asker(server.url)) as asker:
        holes = [
            f"{route}: {caller.name} is {given.value}, not {wanted.value}"
            for caller in Cast(server).everybody()
            for route, access in ACCESS.items()
            if concerned(route, access, caller)
            and (given := asker.ask(route, caller)) is not (wanted := access.verdict(caller))
        ]
    assert not holes, "\n".join(holes)


def test_to_an_agent_what_belongs_to_another_does_not_exist(server: Running, owner: httpx.Client) -> None:
    """Every route that names an action, in both ways: with another's, and with one that nobody has."""
    mine, other = agent(server, owner, "mine"), agent(server, owner, "other")
    asked = mine.post("/api/v1/actions", json={"type": "email.send", "parameters": {"to": "ana@example.com"}}).json()
    named = [route for route, access in ACCESS.items() if "{action}" in route and isinstance(access, AgentOr)]
    assert len(named) >= 2
    for route in named:
        method, _, path = route.partition(" ")
        body = {"decision_token": asked["decision_token"]} if method == "POST" else None
        answers = [
            other.request(method, path.replace("{action}", action), json=body)
            for action in (asked["action_request_id"], "act_" + "0" * 28)
        ]
        told = [answer.text.replace(asked["action_request_id"], "act_" + "0" * 28) for answer in answers]
        assert {answer.status_code for answer in answers} == {404}, route
        assert told[0] == told[1], route
    assert other.get("/api/v1/actions").json()["items"] == []
    assert mine.get(f"/api/v1/actions/{asked['action_request_id']}").json()["status"] == "allowed"


def concerned(route: str, access: Access, caller: Caller) -> bool:
    """Every kind of credential is tried everywhere. Of each kind's many faults one stands for all but at one route of
    each kind of access; where no person may call, or everybody may, people of one role stand for all."""
    if caller.kind is Kind.FAULTY:
        return caller.name in STANDS_FOR_ALL or route in FIRST_OF_ITS_KIND
    return caller.kind is not Kind.PERSONAL or caller.role is Role.OWNER or isinstance(access, Person)


STANDS_FOR_ALL = {"a made-up personal token", "a made-up agent key"}
FIRST_OF_ITS_KIND = {access: route for route, access in reversed(ACCESS.items())}.values()


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
