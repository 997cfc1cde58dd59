"""What may happen to a body on its way to the agent: it is taken in pieces and given back in pieces."""

from __future__ import annotations

from typing import Protocol


class BodyChange(Protocol):
    """A change of one answer's body, without its framing.

    Whatever arrives may be given back at once, later, or changed; what is kept back must come at the latest from
    `finish`. One that does not keep the length has the answer framed anew, without its Content-Length.
    """

    @property
    def keeps_length(self) -> bool: ...

    def feed(self, payload: bytes) -> bytes:
        """What can go on, now that `payload` has arrived; either may be empty."""

    def finish(self) -> bytes:
        """What was kept back; called once, at the end of a body that is whole."""


def feed_last(change: BodyChange, payload: bytes) -> bytes:
    """The last piece of a body and everything that was kept back."""
    return change.feed(payload) + change.finish()
