"""How risky a request is, as a number from 0 to 100 for people and other systems. It decides nothing by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tameflare.core.action import Action, Risk

SCORES: Final = {Risk.LOW: 20, Risk.MEDIUM: 50, Risk.HIGH: 80}


def risk_score(actions: Iterable[Action], written: int | None, hints: Mapping[str, Any]) -> int:
    """`written` is the highest score of the policies' rules that matched; without one the riskiest action's own.

    `hints` is what the agent says of itself: `risk` (a word) or `score` (a number) raise the score and never lower it.
    """
    score = (
        written if written is not None else max((SCORES[action.risk] for action in actions), default=SCORES[Risk.HIGH])
    )
    return max(score, _hinted(hints))


def _hinted(hints: Mapping[str, Any]) -> int:
    word, number = hints.get("risk"), hints.get("score")
    by_word = SCORES[Risk(word)] if isinstance(word, str) and word in SCORES else 0
    by_number = min(100, max(0, int(number))) if isinstance(number, int) and not isinstance(number, bool) else 0
    return max(by_word, by_number)
