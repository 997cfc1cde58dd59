"""A control plane with a proxy whose requests wait, and people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.control.holding import Plane
from tests.control.running import Running, running

from tameflare.control.services import passwords
from tameflare.core.roles import Role


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(passwords, "COST", 4)  # bcrypt's least: people log in here only to vote
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def owner(server: Running) -> httpx.Client:
    return server.owner()


@pytest.fixture
def plane(server: Running, owner: httpx.Client) -> Plane:
    return Plane(server, owner)


@pytest.fixture
def member(server: Running, plane: Plane) -> httpx.Client:
    return server.person(Role.MEMBER)
