"""One control plane for the tests of the decision API, with its job and a gateway of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.control.decisions.asking import Place
from tests.control.running import Running, running

from tameflare.control.action_job import ActionJob
from tameflare.control.services import passwords


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, httpx.Client]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "COST", 4)  # bcrypt's least: how long it takes is not what is tested here
        environment = {
            "SETTINGS_ENCRYPTION_KEY": "5c" * 32,
            "TF_REGISTRATION": "open",
            "TF_WEBHOOK_HOSTS": "hooks.example.com",
        }
        with running(tmp_path_factory.mktemp("decisions"), environment) as server:
            owner = server.owner()
            job = server.start(ActionJob(server.services).run())
            yield server, owner
            job.cancel()


@pytest.fixture
def place(site: tuple[Running, httpx.Client]) -> Place:
    return Place(*site)
