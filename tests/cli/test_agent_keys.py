"""`tf agents keys`, against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.cli.conftest import Ended
from tests.control.running import GATEWAYS, running

from tameflare.core.agent_keys import is_well_formed


def test_a_key_is_made_listed_and_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tf: Callable[..., Ended]
) -> None:
    (tmp_path / "server_data").mkdir(mode=0o700)
    with capture_logs(), running(tmp_path / "server_data") as server:
        owner = server.owner()
        owner.post(GATEWAYS, json={"name": "main"})
        monkeypatch.setenv("TF_SERVER_URL", server.url)
        monkeypatch.setenv("TF_TOKEN", owner.headers["authorization"].removeprefix("Bearer "))
        keys = ("agents", "keys")
        code, key, told = tf(*keys, "add", "default", "-g", "main", "--name", "nightly job")
        assert (code, told.endswith("it is not shown again\n")) == (0, True)
        assert is_well_formed(key.strip()), "nothing but the key is on stdout, to be put into a variable"
        client = server.client(key.strip())
        asked = {"type": "email.send", "parameters": {"password": "hunter2", "to": "ada@example.com"}}
        assert client.post("/api/v1/actions", json=asked).status_code == 200
        (seen,) = json.loads(tf("agents", "asked", "--json")[1])
        assert (seen["agent"], seen["type"], seen["status"]) == ("default", "email.send", "denied")
        assert seen["parameters"] == {"password": "***", "to": "ada@example.com"}
        assert "email.send" in tf("agents", "asked", "default", "--status", "denied")[1]
        assert tf("agents", "asked", "nobody")[1] == "nothing was asked\n"
        made = json.loads(tf(*keys, "add", "default", "-g", "main", "--kind", "test", "--days", "3", "--json")[1])
        assert made["key"].startswith("tf_test_")
        listed = tf(*keys, "list", "default", "-g", "main")[1]
        assert key[:16] in listed
        assert "nightly job" in listed
        assert key.strip() not in listed
        first = next(item for item in json.loads(tf(*keys, "list", "default", "-g", "main", "--json")[1])
                     if item["name"] == "nightly job")  # fmt: skip
        assert tf(*keys, "revoke", "default", first["id"], "-g", "main", "--yes")[0] == 0
        assert client.get("/api/v1/actions").status_code == 401
        assert tf(*keys, "revoke", "default", first["id"], "-g", "main", "--yes")[2].startswith("tf: there is no key")
