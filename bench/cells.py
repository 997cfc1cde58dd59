"""Values of rounds as the cell of a table: the median, and the lowest and highest in brackets."""

from __future__ import annotations

from statistics import median


def cell(values: list[float]) -> str:
    """Nothing where nothing was measured; no brackets where it was measured once."""
    if not values:
        return ""
    middle = number(median(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))} to {number(max(values))})"


def number(value: float) -> str:
    """About three digits."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
