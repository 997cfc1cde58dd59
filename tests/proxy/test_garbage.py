"""A connection that is gone leaves nothing behind that only the garbage collector would find."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.steps import REQUEST, Agent, Nowhere, Rig

from tameflare.proxy.conversation import Conversation
from tameflare.proxy.flow import Flow


@pytest.fixture
def uncollected() -> Iterator[list[object]]:
    """What a collection finds at the end of the test is kept here."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


def test_a_conversation_that_ended(tmp_path: Path, uncollected: list[object]) -> None:
    rig = Rig(tmp_path / "spool")
    conversation = Conversation(Agent(), rig.context, Flow(Nowhere()), rig.open)
    conversation.feed(REQUEST)
    rig.run_turn()
    assert conversation.under_way is not None
    conversation.lost()
    del conversation
    gc.collect()
    rig.spool.close()
    assert not [one for one in uncollected if type(one).__module__.startswith("tameflare.proxy")]
