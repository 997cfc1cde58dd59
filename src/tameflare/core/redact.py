"""What is taken out of a path before it is recorded, and out of parameters before people are shown them."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice
from typing import Any, Final

from tameflare.core.secret import MASK

LONGEST_PATH: Final = 2048
LONGEST_SHOWN: Final = 4096  # characters
MOST_SHOWN: Final = 100  # entries of one list or object
MOST_VALUES: Final = 2000  # all of them together
DEEPEST: Final = 8
CUT: Final = "…"
_KEY: Final = re.compile(
    r"\b(?:sk|rk|pk|whsec)_(?:live|test)_[A-Za-z0-9]{8,}|\bsk-[A-Za-z0-9_-]{16,}|\bgh[opsur]_[A-Za-z0-9]{16,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{16,}|\bxox[a-z]-[A-Za-z0-9-]{8,}|\bAKIA[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\b(?:gwtk|gwln|tfr|tfu|tf_live|tf_test|aaf)_[A-Za-z0-9_-]{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
)
"""Keys by the shapes that vendors publish, and private keys in PEM (RFC 7468)."""


def recorded_path(path: str, query: str, sensitive: Collection[str]) -> str:
    """The path with its query, the values of sensitive names masked, cut to a bounded length.

    Names are compared without case and percent-decoding is not needed: an encoded name is masked as well.
    """
    if not query:
        return path[:LONGEST_PATH]
    return f"{path}?{mask_query(query, sensitive)}"[:LONGEST_PATH]


def mask_query(query: str, sensitive: Collection[str]) -> str:
    return "&".join(_masked(pair, sensitive) for pair in query.split("&"))


def _masked(pair: str, sensitive: Collection[str]) -> str:
    name, equals, _ = pair.partition("=")
    if equals and (name.lower() in sensitive or "%" in name):
        return f"{name}={MASK}"
    return pair


def shown(value: Any, sensitive: Collection[str] | None, longest: int = LONGEST_SHOWN) -> Any:
    """A value as people are shown it: what stands under a sensitive name, or looks like a key, masked; texts over
    `longest` characters, long lists and deep nesting cut, and said so. Numbers and truth values stay as they are.
    `sensitive` None: nothing is masked, which is not for people."""
    return _shown(value, sensitive, longest, DEEPEST, [MOST_VALUES])


def _shown(value: Any, sensitive: Collection[str] | None, longest: int, depth: int, left: list[int]) -> Any:
    """`left` is how many values may still be looked at, a long text counting for more: an agent decides how many there
    are, and others wait meanwhile."""
    left[0] -= 1
    if left[0] < 0:
        return CUT
    if isinstance(value, str):
        left[0] -= min(len(value), longest + LONGEST_SHOWN) // 256
        looked_at = longest + LONGEST_SHOWN  # beyond what is shown, so that no key is cut before it is known as one
        text = value[:looked_at] if sensitive is None else _KEY.sub(MASK, value[:looked_at])
        return _cut(text + (CUT if len(value) > looked_at else ""), longest)
    if not isinstance(value, dict | list | tuple):
        return value
    if not depth:
        return CUT
    if isinstance(value, dict):
        kept = {
            _cut(str(name), longest): MASK
            if sensitive is not None and str(name).lower() in sensitive
            else _shown(each, sensitive, longest, depth - 1, left)
            for name, each in islice(value.items(), MOST_SHOWN)
        }
        return kept if len(value) <= MOST_SHOWN else {**kept, CUT: f"{len(value) - MOST_SHOWN} more"}
    items = [_shown(each, sensitive, longest, depth - 1, left) for each in value[:MOST_SHOWN]]
    return items if len(value) <= MOST_SHOWN else [*items, f"{CUT} {len(value) - MOST_SHOWN} more"]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}{CUT}"
