"""What a connector cannot read."""

from __future__ import annotations


class Unreadable(Exception):
    """A message that must be understood and cannot be; `message` is one line for people and programs."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
