"""What an engine must be able to do to be measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.policy.sets import Request, Rule

Ask = Callable[[], bool]
"""Whether a request is denied. What an engine can prepare of a request beforehand is prepared."""


class Engine(NamedTuple):
    """`load` reads and compiles rules as an application would once; its result makes an Ask of a request."""

    name: str
    load: Callable[[Sequence[Rule]], Callable[[Request], Ask]]
