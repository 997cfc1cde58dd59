"""What the options of `tf run --isolate` ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wishes:
    """Paths of the command line: to hide, to make read-only, to leave visible where all else is private."""

    hide: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    show: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hide or self.read_only or self.show)
