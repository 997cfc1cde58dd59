"""The job that ends approvals: it wakes when one is due, whatever was raised after it fell asleep."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.control.holding import Plane
from tests.control.running import running
from tests.support.waiting import wait_for

from tameflare.control.expiry import Expiry
from tameflare.core.approval import Requirement
from tameflare.link.approvals import Standing


def test_an_approval_ends_by_itself_while_the_server_runs(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        plane = Plane(server, server.owner())
        job = server.start(Expiry(server.services).run())
        asked = plane.raise_("r1", requirement=Requirement(timeout=30))
        assert asked.standing is Standing.PENDING
        assert plane.told() == []
        server.clock.now += 30
        plane.raise_("r2", "d2")
        (told,) = wait_for(plane.told, "the word that it ended")
        assert (told.approval, told.reason) == (asked.approval, "approval_expired")
        job.cancel()


def test_the_job_sleeps_until_the_next_is_due_and_no_longer(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        job = Expiry(server.services)
        assert server.call(job._work()) == 3600.0, "nothing is open"
        plane = Plane(server, server.owner())
        plane.raise_("r1", "d1", Requirement(timeout=500))
        plane.raise_("r2", "d2", Requirement(timeout=40))
        assert server.call(job._work()) == 40.0
        server.clock.now += 41
        assert server.call(job._work()) == 459.0


def test_a_fault_of_the_database_does_not_end_the_job(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        if not server.services.database.is_file:
            pytest.skip("no file can be taken away")
        job = Expiry(server.services)
        server.services.database.path.rename(tmp_path / "moved.db")
        assert server.call(job._work()) == 5.0
        (tmp_path / "moved.db").rename(server.services.database.path)
        assert server.call(job._work()) == 3600.0
