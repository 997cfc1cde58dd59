"""`tf doctor` in a shell, and in a project whose proxy can be made to be anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.doctor.looking import Found, Tf
from tests.cli.doctor.pages import healthy
from tests.cli.doubles import FakeProxy

from tameflare.cli import project
from tameflare.cli.project import Project
from tameflare.core.secret import Secret


@pytest.fixture
def doctor(tf: Tf, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Found]:
    """What `tf doctor` finds amiss, by check."""
    monkeypatch.setenv("TF_DATA_DIR", str(home / ".tameflare"))

    def look(*options: str) -> Found:
        found: Found = {}
        for finding in json.loads(tf("doctor", "--json", *options).out)["findings"]:
            if finding["level"] != "ok":
                found.setdefault(finding["check"], []).append(finding)
        return found

    return look


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def export(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return export


@pytest.fixture
def set_up(proxy: FakeProxy, home: Path, monkeypatch: pytest.MonkeyPatch) -> FakeProxy:
    """A project with a proxy that is well."""
    here = Project(None, "http://127.0.0.1:1", proxy.url, "my-agent", Secret("gwtk_x"))
    project.save(home / "my-agent" / ".tf", here, "")
    proxy.counts = json.loads(healthy())
    return proxy
