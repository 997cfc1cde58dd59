"""Which connections may stay: so many in all, and so many that have not shown yet whose they are.

A connection is a stranger until a token was accepted on it. Where there are too many, the one that has been a stranger
for longest is cut: an honest client shows its token in its first packet, and who holds connections open without one
(slow loris) keeps nobody else out.
"""

from __future__ import annotations

from typing import Final, Protocol

from tameflare.proxy.allowance import Allowances, Loan


class Admitted(Protocol):
    def abort(self) -> None: ...


class Admission:
    """`most` connections in all, `strangers` of them. `evicted` and `turned_away` count what became of the rest."""

    def __init__(self, most: int, strangers: int) -> None:
        self.most = most
        self._most_strangers = strangers
        self._strangers: dict[Admitted, None] = {}
        self._known: set[Admitted] = set()
        self.evicted = 0
        self.turned_away = 0

    @property
    def strangers(self) -> int:
        return len(self._strangers)

    def arrive(self, connection: Admitted) -> bool:
        """Whether a new connection may stay."""
        strangers = self._strangers
        if strangers and (len(strangers) >= self._most_strangers or len(strangers) + len(self._known) >= self.most):
            self._evict(next(iter(strangers)))
        if len(strangers) + len(self._known) >= self.most:
            self.turned_away += 1
            return False
        strangers[connection] = None
        return True

    def _evict(self, connection: Admitted) -> None:
        del self._strangers[connection]
        self.evicted += 1
        connection.abort()

    def known(self, connection: Admitted) -> None:
        """A token was accepted on it."""
        if connection in self._strangers:
            del self._strangers[connection]
            self._known.add(connection)

    def gone(self, connection: Admitted) -> None:
        self._strangers.pop(connection, None)
        self._known.discard(connection)


class Nobody:
    """In the place of a connection that is gone."""

    def abort(self) -> None:
        """It is cut."""


NOBODY: Final = Nobody()


class Place:
    """One connection's place: a stranger's at first, then one of an agent's."""

    __slots__ = ("_admission", "_allowances", "_connection", "_loan")

    def __init__(self, connection: Admitted, admission: Admission, allowances: Allowances) -> None:
        self._connection = connection
        self._admission = admission
        self._allowances = allowances
        self._loan: Loan | None = None

    def take(self) -> bool:
        """Whether the connection may stay."""
        return self._admission.arrive(self._connection)

    def belongs_to(self, agent: str) -> bool:
        """Count it as one of this agent's from now on; False where the agent has as many as it may."""
        if self._loan is not None and self._loan.agent == agent:
            return True
        loan = self._allowances.loan(agent)
        if not loan.take_tunnel():
            return False
        if self._loan is not None:
            self._loan.repay()
        self._loan = loan
        self._admission.known(self._connection)
        return True

    def leave(self) -> None:
        """The connection is gone, and forgotten: nothing of it waits for the collector."""
        self._admission.gone(self._connection)
        self._connection = NOBODY
        if self._loan is not None:
            self._loan.repay()
