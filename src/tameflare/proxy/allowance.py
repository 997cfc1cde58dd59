"""What each agent may have of the proxy at a time: connections, buffered bytes, held requests.

Whoever takes something for an agent does so through a loan of its own and repays it once, however it ends. So nothing
is counted twice, and an agent that has nothing is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one agent may have at a time; `buffered` in bytes."""

    tunnels: int
    buffered: int
    held: int


class Allowances:
    """The loans of all agents of this process. `refused` counts what was not given, by what was asked for."""

    def __init__(self, each: Allowance) -> None:
        self.each = each
        self.refused = {"tunnels": 0, "buffered": 0, "held": 0}
        self.buffered = 0
        self._used: dict[str, Used] = {}

    def __len__(self) -> int:
        """How many agents have something."""
        return len(self._used)

    def loan(self, agent: str) -> Loan:
        """For one connection or one request of the agent with this id."""
        return Loan(self, agent)

    def used(self, agent: str) -> Used:
        """What an agent has now; to be read only."""
        return self._used.get(agent) or Used()

    def take(self, agent: str, tunnels: int, buffered: int, held: int) -> bool:
        """Take all of it or nothing."""
        used, each = self.used(agent), self.each
        if used.tunnels + tunnels > each.tunnels:
            self.refused["tunnels"] += 1
        elif used.buffered + buffered > each.buffered:
            self.refused["buffered"] += 1
        elif used.held + held > each.held:
            self.refused["held"] += 1
        else:
            self._change(agent, tunnels, buffered, held)
            return True
        return False

    def give(self, agent: str, tunnels: int, buffered: int, held: int) -> None:
        self._change(agent, -tunnels, -buffered, -held)

    def _change(self, agent: str, tunnels: int, buffered: int, held: int) -> None:
        used = self._used.setdefault(agent, Used())
        used.tunnels += tunnels
        used.buffered += buffered
        used.held += held
        self.buffered += buffered
        if not (used.tunnels or used.buffered or used.held):
            del self._used[agent]


class Used:
    """What an agent has."""

    __slots__ = ("buffered", "held", "tunnels")

    def __init__(self) -> None:
        self.tunnels = self.buffered = self.held = 0


class Loan:
    """What one connection or one request has taken. Each `take` says whether it was given."""

    __slots__ = ("_all", "_buffered", "_held", "_tunnels", "agent")

    def __init__(self, lender: Allowances, agent: str) -> None:
        self._all = lender
        self.agent = agent
        self._tunnels = self._buffered = self._held = 0

    def take_tunnel(self) -> bool:
        """A connection that is the agent's from now on."""
        given = self._all.take(self.agent, 1, 0, 0)
        self._tunnels += given
        return given

    def take_bytes(self, size: int) -> bool:
        """So many more bytes of a body that is kept in memory."""
        given = self._all.take(self.agent, 0, size, 0)
        if given:
            self._buffered += size
        return given

    def take_hold(self) -> bool:
        """A request that waits for people."""
        given = self._all.take(self.agent, 0, 0, 1)
        self._held += given
        return given

    def end_hold(self) -> None:
        """It waits no longer; its bytes may still be in memory. Harmless where it did not wait."""
        self._all.give(self.agent, 0, 0, self._held)
        self._held = 0

    def repay(self) -> None:
        """Give everything back. Harmless where nothing is left."""
        self._all.give(self.agent, self._tunnels, self._buffered, self._held)
        self._tunnels = self._buffered = self._held = 0
