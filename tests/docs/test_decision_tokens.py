"""The example of docs/decision-tokens.md, run against a real server; and its table of refusals against the code."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from tests.control.running import GATEWAYS, running

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/decision-tokens.md").read_text()
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SAYS = re.compile(r'(?:TokenRefused\(|code=|code = |__init__\()\s*"([a-z_]+)"')


def test_the_example_checks_tokens_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    action: dict[str, Any] = {"type": "email.send", "resource": {}, "parameters": {"to": "ada@example.com", "n": 3}}
    with running(tmp_path, {"TF_PUBLIC_URL": "http://127.0.0.1"}) as server:
        owner = server.owner()
        owner.post(GATEWAYS, json={"name": "main"})
        owner.post(f"{GATEWAYS}/main/rules", json={"connector": "custom", "pattern": "**", "decision": "allow"})
        key = owner.post(f"{GATEWAYS}/main/agents/default/keys", json={}).json()["key"]
        text = server.client(key).post("/api/v1/actions", json=action).json()["decision_token"]
        monkeypatch.setenv("TF_SERVER_URL", server.url)
        names: dict[str, Any] = {}
        exec(compile(EXAMPLE, "docs/decision-tokens.md", "exec"), names)
        keys = names["public_keys"]()
        names.update(SERVER="http://127.0.0.1", public_keys=lambda: keys)
    may = names["may"]
    monkeypatch.setattr(time, "time", server.clock)
    assert not may(text, "another", "main", action)
    assert not may(text, "default", "main", {**action, "parameters": {}})
    assert may(text, "default", "main", action)
    assert not may(text, "default", "main", action)


def test_every_refusal_is_in_the_table() -> None:
    sources = ("core/token.py", "control/services/decision_tokens.py")
    code = "".join((ROOT / "src/tameflare" / source).read_text() for source in sources)
    said = set(SAYS.findall(code))
    assert len(said) >= 10
    assert said - set(re.findall(r"`([a-z_]+)`", PAGE)) == set()
