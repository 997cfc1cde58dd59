"""Running totals on a real database against a list of what happened: in any order, repeated, late, over restarts."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Connection, select

from tameflare.control.services import totals
from tameflare.control.store import totals as store
from tameflare.control.store.migrate import open_database
from tameflare.control.store.totals_schema import total_entries, total_sums
from tameflare.core.policy.model import Total, TotalBy
from tameflare.core.totals import Account, key

START = 1_800_000_000
ACCOUNTS = (
    Account("gtw_0", "agt_0", "stripe"),
    Account("gtw_0", "agt_1", "stripe"),
    Account("gtw_1", "agt_2", "stripe"),
)
TOTALS = tuple(Total("parameters.amount", window, by, "p:r") for window in (60, 3600) for by in TotalBy)
HOLDERS = ("prx_0", "prx_1", totals.API)
REQUESTS = [f"req_{number}" for number in range(6)]
AMOUNTS = st.dictionaries(
    st.sampled_from(TOTALS), st.one_of(st.decimals(0, 1000, places=2), st.just(Decimal("NaN"))), max_size=3
)


def shares(total: Total, one: Account, other: Account) -> bool:
    """Whether both count for the same total, by hand."""
    if total.by is TotalBy.ALL:
        return True
    if one.gateway != other.gateway:
        return False
    if total.by is TotalBy.AGENT:
        return one.agent == other.agent
    return total.by is TotalBy.GATEWAY or one.connector == other.connector


@dataclass
class Happened:
    """A request as the list has it. `amounts` with the time until when they count."""

    account: Account
    amounts: dict[Total, tuple[Decimal, int]] = field(default_factory=dict)
    ended: str = ""


@cache
def _template() -> Path:
    """A directory with an empty database, made once."""
    directory = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, directory)
    open_database(directory / "tameflare.db").close()
    return directory


class TotalsModel(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        shutil.copytree(_template(), self.directory, dirs_exist_ok=True)
        self.database = open_database(self.directory / "tameflare.db")
        self.now = START
        self.happened: dict[tuple[str, str], Happened] = {}

    def expected(self, total: Total, account: Account) -> Decimal:
        found = Decimal(0)
        for one in self.happened.values():
            amount, ends = one.amounts.get(total, (Decimal(0), 0))
            if ends > self.now and shares(total, one.account, account):
                found += amount
        return found

    # --- what may come

    @rule(
        holder=st.sampled_from(HOLDERS),
        request=st.sampled_from(REQUESTS),
        account=st.sampled_from(ACCOUNTS),
        amounts=AMOUNTS,
    )
    def something_is_reserved(self, holder: str, request: str, account: Account, amounts: dict[Total, Decimal]) -> None:
        """For the first time, again, or long after it was taken back."""
        found = self.database.write_now(
            lambda connection: totals.reserve(connection, holder, request, account, amounts, self.now)
        )
        known = self.happened.get((holder, request))
        if known is not None and known.ended == "released":
            assert found == {}
            return
        if known is None:
            known = self.happened[holder, request] = Happened(account)
        known.account = account
        known.amounts = {
            total: (amount, self.now + total.window) for total, amount in amounts.items() if not amount.is_nan()
        }
        if not known.amounts and not known.ended:
            del self.happened[holder, request]  # nothing was stored of it
        for total, amount in amounts.items():
            assert found[total].is_nan() if amount.is_nan() else found[total] == self.expected(total, account)

    @rule(holder=st.sampled_from(HOLDERS), request=st.sampled_from(REQUESTS))
    def something_is_taken_back(self, holder: str, request: str) -> None:
        """Perhaps more than once, perhaps before it was reserved, perhaps after it is known that it happened."""
        self.database.write_now(lambda connection: totals.release(connection, holder, request, self.now))
        known = self.happened.setdefault((holder, request), Happened(ACCOUNTS[0]))
        if known.ended != "counted":
            known.ended, known.amounts = "released", {}

    @rule(holder=st.sampled_from(HOLDERS), request=st.sampled_from(REQUESTS))
    def something_happened(self, holder: str, request: str) -> None:
        self.database.write_now(lambda connection: totals.count(connection, holder, request, self.now))
        known = self.happened.get((holder, request))
        if known is not None and not known.ended:
            known.ended = "counted"

    @rule(seconds=st.sampled_from([0, 1, 59, 60, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def what_is_over_is_forgotten(self) -> None:
        def work(connection: Connection) -> None:
            store.prune(connection, store.over(connection, self.now), self.now)

        self.database.write_now(work)
        for name, known in list(self.happened.items()):
            if not any(ends > self.now for _, ends in known.amounts.values()):
                self._forget_if_old(name, known)

    def _forget_if_old(self, name: tuple[str, str], known: Happened) -> None:
        """Only the store knows how long ago that was."""
        if self.database.read_now(lambda connection: store.state_of(connection, *name)) is None:
            del self.happened[name]

    @rule()
    def the_control_plane_restarts(self) -> None:
        self.database.close()
        self.database = open_database(self.directory / "tameflare.db")

    # --- what must hold

    @rule(account=st.sampled_from(ACCOUNTS), total=st.sampled_from(TOTALS))
    def a_dry_run_sees_the_same(self, account: Account, total: Total) -> None:
        found = self.database.read_now(
            lambda connection: totals.foresee(connection, account, {total: Decimal(7)}, self.now)
        )
        assert found == {total: self.expected(total, account) + 7}

    @invariant()
    def every_sum_is_that_of_its_entries(self) -> None:
        if not hasattr(self, "database"):
            return
        kept, counted = self.database.read_now(_everything)
        assert kept == {name: counted.get(name, Decimal(0)) for name in kept}
        assert counted.keys() <= kept.keys()

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            shutil.rmtree(self.directory)


def _everything(connection: Connection) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    kept = {row.key: Decimal(row.amount) for row in connection.execute(select(total_sums))}
    counted: dict[str, Decimal] = {}
    for row in connection.execute(select(total_entries)):
        counted[row.key] = counted.get(row.key, Decimal(0)) + Decimal(row.amount)
    return kept, counted


TotalsModel.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestTotals = TotalsModel.TestCase


def test_the_key_of_the_model_is_the_key_of_the_store() -> None:
    for total in TOTALS:
        for one in ACCOUNTS:
            for other in ACCOUNTS:
                assert (key(total, one) == key(total, other)) == shares(total, one, other)
