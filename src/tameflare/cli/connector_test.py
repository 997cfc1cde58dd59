"""The harmless request of `tf connector test`: sent through the gateway like an agent's."""

from __future__ import annotations

import os
import ssl
from dataclasses import asdict, dataclass
from typing import Any, Final

import httpx

from tameflare.cli import held, project
from tameflare.cli.bundle import bundle_text
from tameflare.cli.ordinary import Reader
from tameflare.cli.session import Session
from tameflare.connectors.placeholders import placeholder
from tameflare.core.errors import InvalidValue, TameFlareError
from tameflare.core.secret import Secret
from tameflare.settings import Settings

_PLACES: Final = {
    "github": ("api.github.com", "/user"),
    "openai": ("api.openai.com", "/v1/models"),
    "anthropic": ("api.anthropic.com", "/v1/models"),
    "stripe": ("api.stripe.com", "/v1/balance"),
    "slack": ("slack.com", "/api/auth.test"),
}
_HEADERS: Final = {"anthropic": {"anthropic-version": "2023-06-01"}}
_TIMEOUT: Final = httpx.Timeout(30, connect=15)
_UPSTREAM: Final = "upstream_"
_REQUEST_ID: Final = "x-tameflare-request-id"
_MCP: Final = "mcp"
_SESSION: Final = "mcp-session-id"
_HELLO: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "tameflare-connector-test", "version": "1"},
    },
}


@dataclass(frozen=True)
class Result:
    """What became of the request; `denied` is TameFlare's reason code where the answer is its own."""

    connector: str
    method: str
    url: str
    status: int
    denied: str
    message: str
    request_id: str
    advice: str

    @property
    def ok(self) -> bool:
        return not self.denied and not self.message and self.status < 400

    @property
    def sentence(self) -> str:
        what = f"{self.method} {self.url}"
        if self.denied.startswith(_UPSTREAM):
            return f"{what}: allowed, but it failed on the way ({self.denied}): {self.message}"
        if self.denied:
            return f"{what}: denied by TameFlare ({self.denied}): {self.message}"
        if self.message:
            return f"{what}: allowed, but the upstream said: {self.message}"
        return f"{what}: allowed, the upstream answered {self.status}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"ok": self.ok}


def send_test(config: dict[str, Any], path: str | None) -> Result:
    """Send the request for a connector as the API describes it. Raises TameFlareError where it cannot be sent."""
    if path and not path.startswith("/"):
        raise InvalidValue(f"`{path}` is no path", "begin it with `/`")
    if config["type"] == "tunnel":
        raise InvalidValue("a tunnel is not decrypted, so there is nothing to ask", "use `tf run -- curl` instead")
    here = project.require(Settings())
    session = Session(here.proxy, here.token, here.authority)
    run = session.open(None, "tf connector test")
    try:
        with held.told(run.id, config["name"]):
            return _send(config, _url(config, path), Secret(session.proxy_url(run)), session.authorities(run))
    finally:
        session.close()


def _url(config: dict[str, Any], path: str | None) -> str:
    host, usual = _PLACES.get(config["type"], ("", "/"))
    if config["type"] == _MCP:
        usual = (config.get("paths") or ["/mcp"])[0]
    domains = [name for name in config.get("domains") or () if not name.startswith("*.")]
    host = domains[0] if domains and host not in domains else host
    if not host:
        raise InvalidValue(f"connector `{config['name']}` names no single host", "give it a `--domain`")
    port = (config.get("ports") or [443])[0]
    return f"https://{host}{'' if port == 443 else f':{port}'}{path or usual}"


def _send(config: dict[str, Any], url: str, proxy: Secret, ca_pem: str) -> Result:
    trust = ssl.create_default_context(cadata=bundle_text(ca_pem, os.environ, Reader(())))
    key = placeholder(config["type"], config["name"])
    headers = {"Authorization": f"Bearer {key}", "User-Agent": "tameflare-connector-test"}
    headers |= _HEADERS.get(config["type"], {})
    try:
        with httpx.Client(proxy=proxy.reveal(), verify=trust, trust_env=False, timeout=_TIMEOUT) as client:
            answer = _greet(client, url, headers) if config["type"] == _MCP else client.get(url, headers=headers)
            return _result(config["name"], url, answer)
    except httpx.HTTPError as fault:
        raise TameFlareError(f"the request to `{url}` broke off: {fault}", "see `tf logs --last 5`") from None


def _greet(client: httpx.Client, url: str, headers: dict[str, str]) -> httpx.Response:
    """The first request of an MCP session, which is ended again."""
    headers |= {"Accept": "application/json, text/event-stream"}
    answer = client.post(url, json=_HELLO, headers=headers)
    if _SESSION in answer.headers:
        client.delete(url, headers=headers | {_SESSION: answer.headers[_SESSION]})
    return answer


def _result(name: str, url: str, response: httpx.Response) -> Result:
    body = _json(response)
    ours = _ours(body)
    message, advice = str(ours.get("message", "")), str(ours.get("help", ""))
    if not ours:
        message, advice = _complaint(response, body)
    return Result(
        connector=name,
        method=response.request.method,
        url=url,
        status=response.status_code,
        denied=str(ours.get("reason", "")),
        message=message,
        request_id=response.headers.get(_REQUEST_ID, ""),
        advice=advice,
    )


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _ours(body: dict[str, Any]) -> dict[str, Any]:
    """Our fields of a refusal, which stand in the vendor's own error shape; empty if the answer is the vendor's."""
    error = body.get("error")
    if isinstance(error, dict) and isinstance(error.get("data"), dict):
        error |= error["data"]  # as JSON-RPC has it
    for place in (body, error):
        if isinstance(place, dict) and {"reason", "request_id"} <= place.keys():
            return place
    return {}


def _complaint(response: httpx.Response, body: dict[str, Any]) -> tuple[str, str]:
    """The vendor's own complaint and what to do; Slack answers 200 with `ok: false`."""
    if response.status_code in {401, 403} or body.get("ok") is False:
        word = body.get("error") if body.get("ok") is False else response.status_code
        return f"{word}", "the stored credential is refused; replace it with `tf connector credential`"
    if response.status_code >= 400:
        return f"{response.status_code}", "see `tf logs --last 5`"
    return "", ""
