"""What exists, so that a policy that names something else can be refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Known:
    """`groups` are the groups of people that an approval can name; None: not checked."""

    groups: frozenset[str] | None = None


ANYTHING: Final = Known()
