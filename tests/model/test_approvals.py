"""Approvals under duplicated, reordered and lost messages, restarts, changes of rules and people, and time."""

from __future__ import annotations

from hypothesis import settings
from tests.model.approvals import Approvals
from tests.model.control import PureControl


class PureApprovals(Approvals):
    """The state machine by itself."""

    make = PureControl


PureApprovals.TestCase.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
TestPureApprovals = PureApprovals.TestCase
