"""How often something may be tried."""

from __future__ import annotations

from tests.control.running import Clock

from tameflare.control.services.throttle import Throttle


def test_a_key_waits_until_its_oldest_attempt_leaves_the_window() -> None:
    clock = Clock()
    throttle = Throttle(2, 60, clock)
    assert throttle.attempt("a") == 0
    clock.now += 10
    assert throttle.attempt("a") == 0
    assert throttle.attempt("a") == 50
    assert throttle.attempt("b") == 0
    clock.now += 49.5
    assert throttle.attempt("a") == 1
    clock.now += 0.5
    assert throttle.attempt("a") == 0


def test_attempts_are_taken_back_and_forgiven() -> None:
    throttle = Throttle(1, 60, Clock())
    throttle.attempt("a")
    throttle.undo("a")
    assert throttle.attempt("a") == 0
    throttle.forgive("a")
    assert throttle.attempt("a") == 0
    throttle.undo("unknown")


def test_memory_is_bounded_and_the_oldest_keys_go_first() -> None:
    throttle = Throttle(1, 1e9, Clock())
    throttle.attempt("first")
    for number in range(10_000):
        throttle.attempt(f"key {number}")
    assert throttle.attempt("key 9999") > 0
    assert throttle.attempt("first") == 0
