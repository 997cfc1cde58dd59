"""TameFlare's own doors: what the proxy can be talked into, and what one can do with what was found."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tameflare.isolate.probes.base import Came, Facts, Secret, Try, attempt, reason

_SECONDS: Final = 5.0
_METADATA: Final = ("169.254.169.254", 80)


def _proxy() -> tuple[str, int, str]:
    """Host, port and the value of Proxy-Authorization, as the environment gives them. Raises OSError without one."""
    parts = urlsplit(os.environ.get("HTTP_PROXY", ""))
    if not parts.hostname:
        raise OSError(2, "no proxy")
    words = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return parts.hostname, parts.port or 80, "Basic " + base64.b64encode(words.encode()).decode()


def through_proxy(facts: Facts) -> Iterator[Try]:
    """The proxy runs outside: asked for an address of this machine, or for the metadata address, it must refuse."""
    mark = facts.mark("through-the-proxy")
    for name, host, port in [*facts.tcp, ("metadata", *_METADATA)]:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        yield _judged(f"{name} by tunnel", _tunnel, place, mark)
        yield _judged(f"{name} by address", _plain, place, mark)


def _judged(way: str, deed: Callable[..., int], *arguments: object) -> Try:
    """SENT where the proxy let it through; the listener's word decides."""
    try:
        status = deed(*arguments)
    except OSError as fault:
        return Try(way, Came.BLOCKED, reason(fault))
    except http.client.HTTPException as fault:
        return Try(way, Came.BLOCKED, type(fault).__name__)
    if status < http.client.BAD_REQUEST:
        return Try(way, Came.SENT)
    return Try(way, Came.BLOCKED, f"the proxy answered {status}")


def _tunnel(place: str, mark: bytes) -> int:
    host, port, authorization = _proxy()
    with socket.create_connection((host, port), _SECONDS) as line:
        line.sendall(
            f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: {authorization}\r\n\r\n".encode()
        )
        answer = http.client.HTTPResponse(line, method="CONNECT")
        answer.begin()
        if answer.status == http.client.OK:
            line.sendall(mark)
        return answer.status


def _plain(place: str, mark: bytes) -> int:
    host, port, authorization = _proxy()
    line = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        url = f"http://{place}/{mark.decode().strip()}"
        line.request("GET", url, headers={"Host": place, "Proxy-Authorization": authorization})
        return line.getresponse().status
    finally:
        line.close()


def server(facts: Facts) -> Iterator[Try]:
    """Its API, asked directly; `/api/health` is open to everybody who reaches it."""
    yield _accepted(facts.server, _ask, facts.server, "/api/health", "")


def _ask(url: str, path: str, token: str) -> int:
    """The status of a request with that token. Raises OSError."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    line = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        line.request("GET", path, headers={"Authorization": token} if token else {})
        return line.getresponse().status
    except http.client.HTTPException as fault:
        raise OSError(0, type(fault).__name__) from None
    finally:
        line.close()


def act_as_user(facts: Facts) -> Iterator[Try]:
    """With the user's log-in one could approve one's own requests. Only who one is is asked for."""
    for secret in _files(facts, "login.json"):
        try:
            token = json.loads(Path(secret.path).read_bytes())["token"]
        except (OSError, ValueError, KeyError, TypeError) as fault:
            yield Try("log-in", Came.BLOCKED, reason(fault) if isinstance(fault, OSError) else "it is no log-in")
            continue
        yield _accepted("log-in", _ask, facts.server, "/api/dashboard/me", f"Bearer {token}")
    if not _files(facts, "login.json"):
        yield Try("log-in", Came.ABSENT, "nobody is logged in")


def gateway_token(facts: Facts) -> Iterator[Try]:
    """With the gateway's token one could be another agent of the gateway. Asked is only whether it would be taken."""
    for secret in _files(facts, "config.yaml"):
        try:
            text = Path(secret.path).read_text(encoding="utf-8")
        except OSError as fault:
            yield Try("gateway's token", Came.BLOCKED, reason(fault))
            continue
        found = [
            line.partition(":")[2].strip(" \"'") for line in text.splitlines() if line.startswith("gateway_token:")
        ]
        for token in found:
            words = "Basic " + base64.b64encode(f"{token}:".encode()).decode()
            yield _accepted("gateway's token", _run, facts.proxy, words)
    if not _files(facts, "config.yaml"):
        yield Try("gateway's token", Came.ABSENT, "there is no folder with one")


def _run(url: str, authorization: str) -> int:
    """The status for a run that does not exist: not found for who may ask. Raises OSError."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        line.request("GET", "/run/none", headers={"Proxy-Authorization": authorization})
        status = line.getresponse().status
        return http.client.OK if status == http.client.NOT_FOUND else status
    except http.client.HTTPException as fault:
        raise OSError(0, type(fault).__name__) from None
    finally:
        line.close()


def _accepted(way: str, deed: Callable[..., int], *arguments: object) -> Try:
    try:
        status = deed(*arguments)
    except OSError as fault:
        return Try(way, Came.BLOCKED, reason(fault))
    return Try(way, Came.DONE if status == http.client.OK else Came.BLOCKED, f"answered {status}")


def kill_switch(facts: Facts) -> Iterator[Try]:
    """The proxy's own socket, over which its user could clear a kill switch. Nothing is asked of it."""
    found = _files(facts, "kill-switch.sock")
    for secret in found:
        yield attempt(secret.path, Came.DONE, _knock, secret.path)
    if not found:
        yield Try("kill-switch.sock", Came.ABSENT, "no proxy of this user is on this machine")


def _knock(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_SECONDS)
        handle = os.open(Path(path).parent, os.O_PATH | os.O_DIRECTORY)
        try:
            line.connect(f"/proc/self/fd/{handle}/{Path(path).name}")
        finally:
            os.close(handle)


def _files(facts: Facts, name: str) -> list[Secret]:
    return [secret for secret in facts.secrets if Path(secret.path).name == name]
