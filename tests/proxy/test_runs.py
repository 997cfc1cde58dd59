"""Run tokens and the registry of runs."""

from __future__ import annotations

import pytest

from tameflare.proxy import runs
from tameflare.proxy.runs import GRACE_SECONDS, Runs

KEY = b"k" * 32


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(clock: Clock) -> Runs:
    return Runs(KEY, clock)


def test_a_run_is_found_by_its_token_at_once(registry: Runs) -> None:
    token, run = registry.start("gw1", "coder", "nightly")
    assert token.startswith("tfr_")
    assert registry.find(token) is run
    assert registry.get(run.id) is run
    assert (run.gateway_id, run.agent_name, run.name, run.alive) == ("gw1", "coder", "nightly", True)


def test_two_runs_have_different_tokens(registry: Runs) -> None:
    assert registry.start("gw1", "coder")[0] != registry.start("gw1", "coder")[0]


def test_any_worker_with_the_key_can_check_a_token(registry: Runs, clock: Clock) -> None:
    token, run = registry.start("gw1", "coder")
    other = Runs(KEY, clock)
    claims = other.verify(token)
    assert claims is not None
    assert (claims.id, claims.gateway_id, claims.agent_name) == (run.id, "gw1", "coder")
    assert other.find(token) is None, "genuine, but not a run of this registry"


def test_a_token_of_another_key_is_refused(registry: Runs, clock: Clock) -> None:
    token, _ = Runs(b"other" * 8, clock).start("gw1", "coder")
    assert registry.verify(token) is None
    assert registry.find(token) is None


@pytest.mark.parametrize("at", [4, 10, 20, -10, -1])
def test_a_changed_token_is_refused(registry: Runs, at: int) -> None:
    token, _ = registry.start("gw1", "coder")
    changed = list(token)
    changed[at] = "A" if changed[at] != "A" else "E"
    assert registry.verify("".join(changed)) is None
    assert registry.find("".join(changed)) is None


@pytest.mark.parametrize("token", ["", "tfr_", "tfr_.", "tfr_a.b", "tfr_é.é", "gwtk_abc", "tfr_" + "A" * 5000])
def test_rubbish_is_refused(registry: Runs, token: str) -> None:
    assert registry.verify(token) is None
    assert registry.find(token) is None


def test_an_ended_run_lives_for_the_grace_and_then_is_dead(registry: Runs, clock: Clock) -> None:
    token, run = registry.start("gw1", "coder")
    registry.end(run)
    clock.now += GRACE_SECONDS - 0.01
    assert registry.find(token) is run
    clock.now += 0.01
    assert registry.find(token) is None
    assert not run.alive


def test_ending_twice_does_not_lengthen_the_grace(registry: Runs, clock: Clock) -> None:
    token, run = registry.start("gw1", "coder")
    registry.end(run)
    clock.now += GRACE_SECONDS - 1
    registry.end(run)
    clock.now += 1
    assert registry.find(token) is None


def test_a_stopped_run_is_dead_at_once(registry: Runs) -> None:
    token, run = registry.start("gw1", "coder")
    registry.stop(run)
    assert registry.find(token) is None


def test_counters_of_an_ended_run_are_still_there(registry: Runs, clock: Clock) -> None:
    _, run = registry.start("gw1", "coder")
    run.allowed += 3
    run.denied += 1
    registry.end(run)
    clock.now += 60
    ended = registry.get(run.id)
    assert ended is not None
    assert (ended.allowed, ended.denied, ended.held, ended.limited) == (3, 1, 0, 0)


def test_memory_of_ended_runs_is_bounded(registry: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT_AFTER_END", 5)
    started = [registry.start("gw1", "coder") for _ in range(8)]
    for _, run in started:
        registry.end(run)
    assert [registry.get(run.id) is not None for _, run in started] == [False] * 3 + [True] * 5


def test_a_run_does_not_print_its_token(registry: Runs) -> None:
    token, run = registry.start("gw1", "coder")
    assert token not in repr(run)
