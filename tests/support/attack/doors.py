"""Knocking: every token at every door, accounts, rules, the kill switch, and the way round the proxy."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit

from tests.support.attack.target import CLOSED, Attempt, Found, Target, read, verdict

_SECONDS = 20
_NOBODY = 599


def ask(
    url: str, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None = None
) -> tuple[int, Any]:
    """Status, and the answer where it is JSON; 599 where nobody can be reached. A session that stays open is cut after
    its head."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_SECONDS)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, headers | {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = b"" if response.chunked else response.read()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, None
    except OSError:
        return _NOBODY, None
    finally:
        connection.close()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(token: str, agent: str = "") -> dict[str, str]:
    pair = f"{agent}:{token}" if agent else f"{token}:"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def connects(target: Target, token: str) -> bool:
    place = urlsplit(target.proxy)
    head = "".join(f"{name}: {value}\r\n" for name, value in basic(token).items())
    with socket.create_connection((place.hostname, place.port), _SECONDS) as raw:
        raw.sendall(f"CONNECT api.github.com:443 HTTP/1.1\r\nHost: api.github.com:443\r\n{head}\r\n".encode())
        return b" 200 " in raw.recv(4096).partition(b"\r\n")[0] + b" "


def misplaced(target: Target) -> Found:
    """Each token that can be found, at each door but its own."""
    doors = {
        "server": ({"tfu_"}, lambda token: ask(target.server, "GET", "/api/dashboard/users", bearer(token))[0] < 300),
        "link": ({"gwln_"}, lambda token: ask(target.server, "GET", "/api/link/feed", bearer(token))[0] < 300),
        "session": ({"gwtk_"}, lambda token: ask(target.proxy, "POST", "/run", basic(token), {})[0] < 300),
        "tunnel": ({"gwtk_", "tfr_"}, lambda token: connects(target, token)),
    }
    tokens = {prefix: target.token(prefix) for prefix in ("gwtk_", "gwln_", "tfr_", "tfu_")}
    return verdict(
        {
            f"{prefix} at {name}": opens(token)
            for prefix, token in tokens.items()
            for name, (own, opens) in doors.items()
            if token is not None and prefix not in own
        }
    )


def register(target: Target) -> Found:
    code = (read(target.data / "server" / "setup-code") or b"").decode().strip()
    person = {"name": "Agent", "email": "agent@example.com", "password": "an-agent-of-its-own"}
    ways = {"no code": person, "a made-up code": person | {"setup_code": "AAAA-AAAA-AAAA-AAAA"}}
    if code:
        ways["the code of the file"] = person | {"setup_code": code}
    return verdict(
        {name: ask(target.server, "POST", "/api/dashboard/register", {}, body)[0] < 300 for name, body in ways.items()}
    )


def other_agent(target: Target) -> Found:
    token = target.token("gwtk_")
    if token is None:
        return Found(CLOSED, "no token of the gateway")
    return verdict(
        {"a session as `other`": ask(target.proxy, "POST", "/run", basic(token), {"agent": "other"})[0] < 300}
    )


def _with_log_in(target: Target, method: str, path: str, body: dict[str, Any]) -> Found:
    token = target.token("tfu_")
    if token is None:
        return Found(CLOSED, "no log-in is readable")
    return verdict({f"{method} {path}": ask(target.server, method, path, bearer(token), body)[0] < 300})


def allow_itself(target: Target) -> Found:
    token = target.token("tfu_")
    gateways = ask(target.server, "GET", "/api/dashboard/gateways", bearer(token or ""))[1]
    name = gateways["items"][0]["name"] if token else "none"
    rule = {"connector": "github", "pattern": "github.issue.*", "decision": "allow"}
    return _with_log_in(target, "POST", f"/api/dashboard/gateways/{name}/rules", rule)


def approve_itself(target: Target) -> Found:
    """A request of this gateway waits for people; whoever has a person's token is that person."""
    token = target.token("tfu_")
    if token is None:
        return Found(CLOSED, "no log-in is readable")
    waiting = ask(target.server, "GET", "/api/dashboard/approvals?status=pending", bearer(token))[1]["approvals"]
    votes = f"/api/dashboard/approvals/{waiting[0]['id']}/votes"
    status, answer = ask(target.server, "POST", votes, bearer(token), {"vote": "approve"})
    return verdict({"a vote as the owner": status < 300 and answer["status"] == "approved"})


def local_kill_switch(target: Target) -> Found:
    """The proxy's own socket is for its user: whoever is that user may switch off as well as on."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_SECONDS)
            line.connect(str(target.data / "proxy" / "kill-switch.sock"))
            line.sendall(json.dumps({"do": "off", "scope": "connector:slack"}).encode() + b"\n")
            answer = json.loads(line.makefile().readline())
    except OSError:
        return verdict({"its socket": False})
    return verdict({"its socket": answer["answer"] == "told" and not answer["active"]})


def clear_kill_switch(target: Target) -> Found:
    return _with_log_in(target, "POST", "/api/v1/kill-switch", {"active": False, "scope": "connector:stripe"})


def further_token(target: Target) -> Found:
    """A token alone makes no further tokens."""
    body = {"name": "mine", "password": "not-known-to-me", "scopes": ["read", "approve"]}
    return _with_log_in(target, "POST", "/api/dashboard/tokens", body)


def round_the_proxy(target: Target) -> Found:
    host, _, port = target.upstream.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _SECONDS).close()
    except OSError:
        return verdict({"a connection of its own": False})
    return verdict({"a connection of its own": True})


ATTEMPTS: dict[str, Attempt] = {
    "use a token in another's place": misplaced,
    "register an account": register,
    "take another agent's name with the gateway's token": other_agent,
    "allow itself more with the user's log-in": allow_itself,
    "approve its own request with the user's log-in": approve_itself,
    "clear the proxy's own kill switch": local_kill_switch,
    "clear the central kill switch with the user's log-in": clear_kill_switch,
    "make a further token with the user's log-in": further_token,
    "go round the proxy": round_the_proxy,
}
