"""Unique secrets go through everything and come out nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
from structlog.testing import capture_logs
from tests.control.running import GATEWAYS, KEY, PASSWORD, running
from tests.support.canaries import files, sightings

MAIN = f"{GATEWAYS}/main"


class Ears:
    """Keeps every body that a client receives."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []

    def listen(self, client: httpx.Client) -> httpx.Client:
        client.event_hooks["response"] = [self._keep]
        return client

    def _keep(self, response: httpx.Response) -> None:
        headers = json.dumps(dict(response.headers)).encode()
        self.heard.append((f"answer to {response.request.method} {response.request.url}", response.read() + headers))


def canaries() -> dict[str, str]:
    return {
        "credential": "ghp_canary-one-0123456789abcdef",
        "changed credential": "ghp_canary-two-0123456789abcdef",
        "refused credential": "ghp_canary-three-0123456789\nabcdef",
        "in a wrong field": "ghp_canary-four-0123456789abcdef",
        "password": PASSWORD,
        "wrong password": "canary wrong password",
        "master key": KEY,
    }


def visit(owner: httpx.Client, secrets: dict[str, str]) -> None:
    """Send every secret where it belongs, and some where they do not; then read everything back."""
    owner.post(GATEWAYS, json={"name": "main"})
    owner.post(f"{MAIN}/connectors", json={"type": "github", "secret": secrets["credential"]})
    owner.put(f"{MAIN}/connectors/github/credential", json={"value": secrets["changed credential"]})
    assert owner.put(f"{MAIN}/connectors/github/credential", json={"value": secrets["refused credential"]}).is_error
    for body in ({"value": 1, "key": secrets["in a wrong field"]}, [secrets["in a wrong field"]]):
        assert owner.put(f"{MAIN}/connectors/github/credential", json=body).status_code == 422
    owner.post("/api/dashboard/login", json={"email": "owner@example.com", "password": secrets["wrong password"]})
    owner.post("/api/dashboard/login", json={"email": [secrets["wrong password"]], "password": PASSWORD})
    for path in ("", "/connectors", "/connectors/github", "/connectors/github/credential", "/tokens", "/rules"):
        assert owner.get(MAIN + path).status_code == 200
    for path in ("/api/health", "/api/dashboard/me", "/api/dashboard/tokens", "/api/dashboard/proxies"):
        assert owner.get(path).status_code == 200


def test_no_secret_shows_in_answers_logs_or_files(tmp_path: Path) -> None:
    ears, secrets = Ears(), canaries()
    made: dict[str, Any] = {}
    with capture_logs() as logs, running(tmp_path) as server:
        code = server.services.setup_code.make()
        owner = ears.listen(server.owner())
        visit(owner, secrets)
        heard = list(ears.heard)
        made["gateway token"] = owner.post(f"{MAIN}/tokens", json={}).json()["token"]
        made["link token"] = owner.post("/api/dashboard/proxies", json={"name": "edge"}).json()["token"]
        made["personal token"] = owner.headers["Authorization"].removeprefix("Bearer ")
        made["set-up code"] = code
        made["pepper"] = server.services.keys.pepper.hex()
        made["signing key"] = server.services.keys.signer.private_bytes_raw().hex()
        assert server.client(made["link token"]).get("/api/link/feed").status_code == 200
        live = list(files(tmp_path))
    lines = [("log", json.dumps(line, default=str).encode()) for line in logs]
    assert len(lines) > 5
    everything = secrets | made
    assert sightings(everything, [*heard, *lines, *live, *files(tmp_path)]) == []


def test_the_search_would_find_them() -> None:
    assert sightings({"x": "a-secret"}, [("place", b"... a-secret ...")]) == ["x in place"]
