"""The sliding window against a list of times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tameflare.core.ratelimit import WINDOW_SECONDS, RateWindow

STARTS = st.floats(min_value=0, max_value=1e6)
GAPS = st.lists(st.floats(min_value=0, max_value=70) | st.floats(min_value=0, max_value=0.5), max_size=120)


def admit(window: RateWindow, now: float, limit: int) -> bool:
    if window.advance(now) >= limit:
        return False
    window.charge()
    return True


@given(STARTS, GAPS, st.integers(min_value=1, max_value=10))
def test_no_minute_ever_holds_more_than_the_limit(start: float, gaps: list[float], limit: int) -> None:
    window, admitted, now = RateWindow(), [], start
    for gap in gaps:
        now += gap
        if admit(window, now, limit):
            admitted.append(now)
    for index, late in enumerate(admitted[limit:]):
        assert late - admitted[index] >= WINDOW_SECONDS


@given(STARTS, GAPS, st.integers(min_value=1, max_value=10))
def test_who_keeps_a_second_more_than_the_limit_is_never_refused(start: float, gaps: list[float], limit: int) -> None:
    """Refusals come only where the last 61 seconds, a minute and the rest of a bucket, held the whole limit."""
    window, admitted, now = RateWindow(), list[float](), start
    for gap in gaps:
        now += gap
        recent = [then for then in admitted if now - then < WINDOW_SECONDS + 1]
        if admit(window, now, limit):
            admitted.append(now)
        else:
            assert len(recent) >= limit


@given(st.integers(min_value=0, max_value=10**6), GAPS, st.integers(min_value=1, max_value=10))
def test_retry_after_is_the_first_second_that_fits(start: int, gaps: list[float], limit: int) -> None:
    window, now = RateWindow(), float(start)
    for gap in gaps:
        now += gap
        if not admit(window, now, limit):
            wait = window.retry_after(limit)
            assert window.used - _leaving(window, wait - 1) >= limit
            assert window.advance(int(now) + wait) < limit
            return


def _leaving(window: RateWindow, seconds: int) -> int:
    size = len(window._buckets)
    return sum(window._buckets[(window._second + wait) % size] for wait in range(1, seconds + 1))


def test_a_refused_request_is_not_counted() -> None:
    window = RateWindow()
    assert [admit(window, 100.0, 2) for _ in range(5)] == [True, True, False, False, False]
    assert window.used == 2


def test_a_full_window_empties_by_itself() -> None:
    window = RateWindow()
    assert all(admit(window, 10.0, 3) for _ in range(3))
    assert not admit(window, 70.99, 3)
    assert admit(window, 71.0, 3)


def test_a_clock_that_stands_still_or_goes_back_frees_nothing() -> None:
    window = RateWindow()
    assert admit(window, 500.0, 1)
    assert window.advance(500.0) == 1
    assert window.advance(10.0) == 1


def test_retry_after_is_at_least_a_second_and_at_most_the_window() -> None:
    window = RateWindow()
    assert admit(window, 1000.9, 1)
    assert 1 <= window.retry_after(1) <= WINDOW_SECONDS + 1
