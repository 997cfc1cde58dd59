"""The feed's messages keep their kind on the wire, and an older reader survives newer fields."""

from __future__ import annotations

import msgspec
import pytest

from tameflare.core.decision import Verdict
from tameflare.link.messages import (
    WIRE_VERSION,
    ApprovalAnswered,
    Entry,
    Feed,
    Message,
    Snapshot,
)

MESSAGES: list[Message] = [
    Snapshot(3, b"{}", b"signature", b"bundle"),
    ApprovalAnswered("ap-1", Verdict.ALLOW, "approved", "fine", 3),
]


def test_every_kind_of_message_survives_the_wire() -> None:
    feed = Feed(WIRE_VERSION, "proxy-1", 9, tuple(Entry(number, each) for number, each in enumerate(MESSAGES)))
    assert msgspec.json.decode(msgspec.json.encode(feed), type=Feed) == feed


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_field_from_the_future_is_passed_over(message: Message) -> None:
    wire = msgspec.json.decode(msgspec.json.encode(message)) | {"colour": "red"}
    assert msgspec.json.decode(msgspec.json.encode(wire), type=Message) == message
