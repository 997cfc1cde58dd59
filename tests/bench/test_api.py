"""The benchmark of the decision API: its load generator against a real server, and the policies that it loads."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.api import plant
from bench.api.load import Found, Job, run
from bench.machine import Cores
from tests.control.asking import agent
from tests.control.running import running

from tameflare.core.errors import TameFlareError
from tameflare.core.policy.parse import parse_file


def test_the_load_generator_counts_what_was_answered(tmp_path: Path) -> None:
    cores = Cores.of_this_machine()
    with running(tmp_path) as server:
        key = agent(server, server.owner()).headers["authorization"].removeprefix("Bearer ")
        port = int(server.url.rpartition(":")[2])
        found = run(Job(port, key, 4, 0.4, 0.1, 0.0, True, "a"), cores)
        steady = run(Job(port, key, 2, 0.4, 0.1, 50.0), cores)
        listed = server.client(key).get("/api/v1/actions", params={"limit": 1}).json()["items"]
        with pytest.raises(TameFlareError, match="requests failed"):
            run(Job(port, "tf_live_wrong", 1, 0.1, 0.0), cores)
    assert 0 < found.answers <= found.all_answers
    assert found.times_ms == sorted(found.times_ms)
    assert steady.all_answers == 25, "as many as were due, late or not"
    assert listed[0]["parameters"]["subject"] == "hello"


def test_quantiles_are_of_what_was_measured() -> None:
    found = Found(4, 4, 0, "", 2.0, [1.0, 2.0, 3.0, 4.0])
    assert (found.per_second, found.quantile(0.5), found.quantile(0.99)) == (2.0, 3.0, 4.0)


def test_a_hundred_policies_are_loaded_of_which_ten_rules_can_match() -> None:
    parsed = [one.policy for one in parse_file(plant._policies())]
    assert len(parsed) == plant.POLICIES
    matching = [policy for policy in parsed if policy and policy.scope.action_types == ("email.*",)]
    assert sum(len(policy.rules) for policy in matching) == 10
