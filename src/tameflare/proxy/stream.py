"""What a conversation stands on: a byte stream from an agent, plain or inside TLS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from tameflare.proxy.exchange import Exchange
from tameflare.proxy.refusal import Refusal
from tameflare.wire.faults import HeadFault
from tameflare.wire.heads import RequestHead


class Stream(Protocol):
    """The byte stream below: plain or inside TLS."""

    def send(self, data: bytes) -> None: ...

    def close(self) -> None:
        """End after what was sent."""

    def abort(self) -> None:
        """End at once, so that the agent sees a cut."""

    def malformed(self, fault: HeadFault) -> None:
        """Put on record that somebody sent what is no HTTP."""


Opener = Callable[[RequestHead, bytes], Exchange | Refusal | None]
"""From a head, and the bytes behind it, to an exchange; None where somebody else has taken over the stream."""


class Nowhere:
    """The stream of a connection that is gone: what is still sent to it is dropped."""

    def send(self, data: bytes) -> None:
        """Dropped."""

    def close(self) -> None:
        """It is closed."""

    def abort(self) -> None:
        """It is cut."""

    def malformed(self, fault: HeadFault) -> None:
        """Nobody reads on."""


NOWHERE: Final = Nowhere()


def no_more(_head: RequestHead, _rest: bytes) -> None:
    """The opener of a stream that is gone."""
