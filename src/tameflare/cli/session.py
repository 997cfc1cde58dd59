"""A run's session with the proxy: one HTTP request whose answer stays open for as long as the command lives.

Its first line names the run and carries its token; when this connection ends, so does the token.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import quote, urlsplit

from tameflare.cli import outer_tls
from tameflare.core.errors import SettingError, TameFlareError
from tameflare.core.secret import Secret
from tameflare.settings import GATEWAY_TOKEN, Settings

_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 20.0


class UnknownAgent(TameFlareError):
    code = "unknown_agent"


@dataclass(frozen=True)
class Run:
    """What the proxy said about a new run; `connectors` are pairs of instance name and type."""

    id: str
    token: Secret
    agent: str
    gateway: str
    connectors: tuple[tuple[str, str], ...]
    ca_pem: str


class Session:
    """Owns the open connection; close it when the command has ended. `authority` (PEM) is what a proxy in TLS is
    verified by, beside the system's."""

    def __init__(self, proxy: str, token: Secret, authority: str = "") -> None:
        self._proxy = proxy
        self._authority = authority
        self._authorization = "Basic " + b64encode(f"{token.reveal()}:".encode()).decode()
        self._socket: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None
        self._closing = self._watched = False

    def open(self, agent: str | None, command: str) -> Run:
        """Begin a run. Raises Unreachable, UnknownAgent, or TameFlareError with the proxy's own sentence."""
        body = json.dumps({"command": command} | ({"agent": agent} if agent else {}))
        connection, response = self._send("POST", "/run", body)
        if response.status != 200:
            fault = _refusal(response, agent)
            connection.close()
            raise fault
        self._response = response
        return _parse(self._line(response))

    def proxy_url(self, run: Run) -> str:
        """The proxy's URL with agent and run token, as HTTP_PROXY wants it.

        The token is the password: Python's urllib sends nothing at all where the password is empty.
        """
        parts = urlsplit(self._proxy)
        return f"{parts.scheme}://{quote(run.agent, safe='')}:{quote(run.token.reveal(), safe='')}@{parts.netloc}"

    def authorities(self, run: Run) -> str:
        """PEM of what a program under the run must trust beside the system's: for the hosts that it calls, and for the
        proxy where that is reached in TLS."""
        return "\n".join(dict.fromkeys(filter(None, (run.ca_pem.strip(), self._authority.strip())))) + "\n"

    def peer(self) -> tuple[int, tuple[Any, ...]]:
        """Family and address of the proxy that the open session is with."""
        assert self._socket is not None
        return self._socket.family, self._socket.getpeername()

    def watch(self, on_gone: Callable[[], None]) -> None:
        """Call `on_gone` from a thread if the proxy ends the session before `close()`."""
        self._watched = True
        threading.Thread(target=self._watch, args=(on_gone,), name="session", daemon=True).start()

    def refused(self) -> bool:
        """Whether the proxy answers and does not accept the token."""
        try:
            connection, response = self._send("GET", "/run/none", None)
        except TameFlareError:
            return False
        connection.close()
        return response.status == http.client.PROXY_AUTHENTICATION_REQUIRED

    def counts(self, run: Run) -> dict[str, int] | None:
        """How many requests of the run were allowed, denied, held and limited; None where the proxy cannot say."""
        try:
            connection, response = self._send("GET", f"/run/{quote(run.id, safe='')}", None)
            answer = json.loads(response.read())
            connection.close()
        except (TameFlareError, OSError, http.client.HTTPException, ValueError):
            return None
        if response.status != 200 or not isinstance(answer, dict):
            return None
        return {name: int(answer.get(name, 0)) for name in ("allowed", "denied", "held", "limited")}

    def close(self) -> None:
        self._closing = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
        if self._response is not None and not self._watched:  # a watcher still reads it, and hears of the end
            self._response.close()

    def _send(
        self, method: str, path: str, body: str | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = _connection(self._proxy, self._authority)
        headers = {"Proxy-Authorization": self._authorization, "Content-Type": "application/json"}
        try:
            connection.connect()
            connection.sock.settimeout(_ANSWER_SECONDS)
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if path == "/run":
                self._socket = connection.sock
            connection.request(method, path, body=body, headers=headers)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as fault:
            connection.close()
            raise outer_tls.problem(self._proxy, fault) from None

    def _line(self, response: http.client.HTTPResponse) -> bytes:
        try:
            line = response.readline()
        except (OSError, http.client.HTTPException) as fault:
            raise outer_tls.problem(self._proxy, fault) from None
        assert self._socket is not None
        self._socket.settimeout(None)
        return line

    def _watch(self, on_gone: Callable[[], None]) -> None:
        assert self._response is not None
        alive = True
        while alive:
            try:
                alive = bool(self._response.readline())
            except (OSError, ValueError, http.client.HTTPException, AttributeError):
                alive = False  # http.client loses its file (AttributeError) where both ends close at once
        if not self._closing:
            on_gone()


def proxy_address(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a proxy's URL. Raises SettingError where it is none."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        _bad_url(url)
    if parts.scheme not in {"http", "https"} or not host:
        _bad_url(url)
    return parts.scheme, host, port


def _connection(url: str, authority: str) -> http.client.HTTPConnection:
    scheme, host, port = proxy_address(url)
    outer_tls.check_encrypted(url)
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=_CONNECT_SECONDS)
    context = outer_tls.context(authority)
    return http.client.HTTPSConnection(host, port, timeout=_CONNECT_SECONDS, context=context)


def _bad_url(url: str) -> NoReturn:
    raise SettingError(f"`{url}` is not the URL of a proxy", "write for example GATEWAY_URL=http://127.0.0.1:8443")


def _refusal(response: http.client.HTTPResponse, agent: str | None) -> TameFlareError:
    try:
        answer: Any = json.loads(response.read(65536))
    except (ValueError, OSError, http.client.HTTPException):
        answer = {}
    code = answer.get("code", "") if isinstance(answer, dict) else ""
    if response.status == 404 and code == "unknown_agent":
        return UnknownAgent(f"this gateway has no agent `{agent}`", f"run `tf agents add {agent}`")
    if response.status == 407:
        return _refused_token()
    if response.status == 404 and not code:
        return TameFlareError("the proxy does not know runs", "check that GATEWAY_URL names TameFlare's proxy")
    sentence = answer.get("message") if isinstance(answer, dict) else None
    return TameFlareError(str(sentence or f"the proxy answered {response.status}"), str(answer.get("help") or ""))


def _refused_token() -> TameFlareError:
    if Settings().is_set(GATEWAY_TOKEN):
        return TameFlareError("the proxy does not accept TF_GATEWAY_TOKEN", "correct or unset it")
    return TameFlareError("the proxy does not accept this gateway's token", "run `tf init` to get a new one")


def _parse(line: bytes) -> Run:
    try:
        said = json.loads(line)
        pairs = tuple((str(item["name"]), str(item["type"])) for item in said["connectors"])
        return Run(said["run"], Secret(said["token"]), said["agent"], said["gateway"], pairs, said["ca_pem"])
    except (ValueError, KeyError, TypeError):
        raise TameFlareError("the proxy's answer cannot be read", "use the same version of `tf` and proxy") from None
