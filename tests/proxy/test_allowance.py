"""Loans against a plain count: nothing over the limit is given, and what was repaid is gone to the last byte."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tameflare.proxy.allowance import Allowance, Allowances, Loan

EACH = Allowance(tunnels=3, buffered=100, held=2)
AGENTS = ("agent-1", "agent-2")
Count = dict[Loan, list[int]]


class Lending(RuleBasedStateMachine):
    """Many loans of two agents, in any order, repaid or not."""

    loans = Bundle("loans")

    def __init__(self) -> None:
        super().__init__()
        self.lender = Allowances(EACH)
        self.taken: Count = {}

    def _sum(self, agent: str, kind: int) -> int:
        return sum(counts[kind] for loan, counts in self.taken.items() if loan.agent == agent)

    @rule(target=loans, agent=st.sampled_from(AGENTS))
    def begin(self, agent: str) -> Loan:
        loan = self.lender.loan(agent)
        self.taken[loan] = [0, 0, 0]
        return loan

    @rule(loan=loans)
    def tunnel(self, loan: Loan) -> None:
        fits = self._sum(loan.agent, 0) < EACH.tunnels
        assert loan.take_tunnel() is fits
        self.taken[loan][0] += fits

    @rule(loan=loans, size=st.integers(0, 60))
    def buffer(self, loan: Loan, size: int) -> None:
        fits = self._sum(loan.agent, 1) + size <= EACH.buffered
        assert loan.take_bytes(size) is fits
        self.taken[loan][1] += size if fits else 0

    @rule(loan=loans)
    def hold(self, loan: Loan) -> None:
        fits = self._sum(loan.agent, 2) < EACH.held
        assert loan.take_hold() is fits
        self.taken[loan][2] += fits

    @rule(loan=loans)
    def let_go(self, loan: Loan) -> None:
        loan.end_hold()
        self.taken[loan][2] = 0

    @rule(loan=loans)
    def repay(self, loan: Loan) -> None:
        loan.repay()
        self.taken[loan] = [0, 0, 0]

    @invariant()
    def the_count_is_right(self) -> None:
        for agent in AGENTS:
            used = self.lender.used(agent)
            assert [used.tunnels, used.buffered, used.held] == [self._sum(agent, kind) for kind in range(3)]
        assert self.lender.buffered == sum(self._sum(agent, 1) for agent in AGENTS)

    @invariant()
    def who_has_nothing_is_forgotten(self) -> None:
        having = {loan.agent for loan, counts in self.taken.items() if any(counts)}
        assert len(self.lender) == len(having)


TestLending = Lending.TestCase
TestLending.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@given(st.lists(st.integers(0, 50), max_size=20))
@settings(deadline=None)
def test_what_was_refused_is_counted_and_takes_nothing(sizes: list[int]) -> None:
    lender = Allowances(EACH)
    loan = lender.loan("agent-1")
    given_, refused = 0, 0
    for size in sizes:
        if loan.take_bytes(size):
            given_ += size
        else:
            refused += 1
    assert (lender.buffered, lender.refused["buffered"]) == (given_, refused)
    assert given_ <= EACH.buffered
    loan.repay()
    assert (lender.buffered, len(lender)) == (0, 0)
