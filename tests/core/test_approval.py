"""Several requirements at once, and what a remembered answer covers."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tameflare.core.action import Action
from tameflare.core.approval import RememberedApproval, Requirement, covering, together
from tameflare.core.roles import Role

SEND = Action("slack.message.send", {"channel": "C1"}, {"text": "hello"})
MEMORY = RememberedApproval("rem_1", "agt_1", "slack", (("slack.message.send", {"channel": "C1"}),), "run_1", 1000)


def covered(memory: RememberedApproval = MEMORY, **changes: Any) -> bool:
    asked = {"agent_id": "agt_1", "run_id": "run_1", "connector_name": "slack", "actions": [SEND], "now": 999.9}
    return covering([memory], **(asked | changes)) is memory


def test_the_same_action_of_the_same_agent_is_covered_whatever_its_parameters() -> None:
    assert covered()
    assert covered(actions=[Action("slack.message.send", {"channel": "C1"}, {"text": "bye"})])
    assert covered(actions=[SEND, SEND])


@pytest.mark.parametrize(
    "changes",
    [
        {"agent_id": "agt_2"},
        {"connector_name": "slack-2"},
        {"run_id": "run_2"},
        {"run_id": ""},
        {"now": 1000.0},
        {"actions": []},
        {"actions": [Action("slack.message.send", {"channel": "C2"})]},
        {"actions": [Action("slack.message.send")]},
        {"actions": [Action("slack.message.delete", {"channel": "C1"})]},
        {"actions": [SEND, Action("slack.file.upload", {"channel": "C1"})]},
    ],
)
def test_anything_else_is_not(changes: dict[str, Any]) -> None:
    assert not covered(**changes)


def test_without_a_run_it_covers_every_run() -> None:
    memory = msgspec.structs.replace(MEMORY, run="")
    assert covered(memory, run_id="run_2")
    assert covered(memory, run_id="")


def test_the_first_that_covers_is_named() -> None:
    other = msgspec.structs.replace(MEMORY, id="rem_0", agent="agt_2")
    assert covering([other, MEMORY], "agt_1", "run_1", "slack", [SEND], 0) is MEMORY
    assert covering([], "agt_1", "run_1", "slack", [SEND], 0) is None


def test_together_each_stays_what_it_is_and_the_shortest_time_counts() -> None:
    one = Requirement(Role.ADMIN, ("security",), 1, timeout=900, remember=True)
    two = Requirement(Role.MEMBER, ("finance", "security"), 3, distinct=True, timeout=60)
    whole = together([one, Requirement(), two])
    assert whole is not None
    assert (whole.timeout, whole.remember) == (60, False)
    assert whole.parts == (
        Requirement(Role.MEMBER, ("finance", "security"), 3, distinct=True),
        Requirement(Role.ADMIN, ("security",)),
        Requirement(),
    )
    assert together([one]) == one
    assert together([]) is None


TERMS = st.builds(
    Requirement,
    st.sampled_from(Role),
    st.sampled_from([(), ("security",), ("finance",), ("security", "finance")]),
    st.integers(1, 2),
    st.booleans(),
    st.sampled_from([None, 60, 900]),
    st.booleans(),
)


@given(st.lists(TERMS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_order_repetition_and_grouping_change_nothing(terms: list[Requirement], random: Random) -> None:
    whole = together(terms)
    again = [*terms, random.choice(terms)]
    random.shuffle(again)
    assert together(again) == whole
    cut = random.randrange(len(terms))
    halves = [half for half in (together(terms[:cut]), together(terms[cut:])) if half is not None]
    assert together(halves) == whole
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Requirement) == whole
