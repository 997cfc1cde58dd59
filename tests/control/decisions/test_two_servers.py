"""Two servers on one PostgreSQL database: an agent may ask either, and is answered alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.control.decisions.asking import ACTIONS, EMAIL, Place
from tests.control.running import running
from tests.support.postgres import Databases
from tests.support.waiting import wait_for

from tameflare.control.action_job import ActionJob
from tameflare.control.services import passwords
from tameflare.control.services.agent_keys import TRUSTED_SECONDS


def test_an_agent_may_ask_either(tmp_path: Path, databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", 4)
    environment = {
        "SETTINGS_ENCRYPTION_KEY": "5c" * 32,
        "TF_REGISTRATION": "open",
        "DATABASE_URL": databases.filled().reveal(),
    }
    for name in ("one", "two"):
        (tmp_path / name).mkdir(mode=0o700)
    with running(tmp_path / "one", environment) as one, running(tmp_path / "two", environment) as two:
        place = Place(one, one.owner())
        place.rule("email.*", "require_approval")
        other = two.client(place.key)
        clients = [server.client(place.key) for server in (one, two) for _ in range(8)]
        with ThreadPoolExecutor(len(clients)) as pool:
            answers = list(
                pool.map(lambda each: each.post(ACTIONS, json=EMAIL, headers={"Idempotency-Key": "race"}), clients)
            )
        assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
        (action,) = {answer.json()["action_request_id"] for answer in answers}
        assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
        jobs = [server.start(ActionJob(server.services).run()) for server in (one, two)]
        assert place.vote(answers[0].json()["approval"]["id"]).status_code == 200
        done = wait_for(
            lambda: found if (found := other.get(f"{ACTIONS}/{action}").json())["status"] == "approved" else None,
            "the answer at the other server",
        )
        assert done["decision_token"] == place.get(action)["decision_token"]
        made = place.make_key()
        assert two.client(made["key"]).get(ACTIONS).status_code == 200
        assert place.owner.delete(f"{place.path}/agents/worker/keys/{made['id']}").status_code == 204
        two.clock.now += TRUSTED_SECONDS
        assert two.client(made["key"]).get(ACTIONS).status_code == 401
        for job in jobs:
            job.cancel()
