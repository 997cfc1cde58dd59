"""`tf demo`, whole: everything comes out as it must, and nothing is left behind."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path

import pytest

from tameflare.core.errors import TameFlareError
from tameflare.demo import agent
from tameflare.demo.keys import VendorKeys
from tameflare.demo.product import tf
from tameflare.demo.run import require_sdks


def test_demo(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "200"}
    done = subprocess.run([*tf(), "demo"], env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("as it must") == 6
    assert "WRONG" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_missing_sdks_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "stripe" else look_up(name))
    with pytest.raises(TameFlareError, match=r"stripe.*pip install 'tameflare\[demo\]'"):
        require_sdks()


def test_the_agents_search_would_find_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = VendorKeys().stripe
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "notes.txt").write_text(f"the key is {key}.")
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "DEMO_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("SOME_KEY", VendorKeys().openai)
    found = json.loads(agent.find_key())
    assert key in found
    assert os.environ["SOME_KEY"] in found
