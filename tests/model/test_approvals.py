"""Approvals under duplicated, reordered and lost messages, restarts, changes of rules and people, and time."""

from __future__ import annotations

from hypothesis import settings
from tests.model.approvals import Approvals
from tests.model.control import PureControl
from tests.model.real import RealControl


class PureApprovals(Approvals):
    """The state machine by itself."""

    make = PureControl


class RealApprovals(Approvals):
    """The services that are made of it."""

    make = RealControl


PureApprovals.TestCase.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
RealApprovals.TestCase.settings = settings(max_examples=12, stateful_step_count=50, deadline=None)
TestPureApprovals = PureApprovals.TestCase
TestRealApprovals = RealApprovals.TestCase
