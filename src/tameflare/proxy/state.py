"""What all connections of one proxy process share."""

from __future__ import annotations

from collections.abc import Callable
from os import urandom

from tameflare.core.compile import CompiledConfiguration
from tameflare.core.ratelimit import RateWindow
from tameflare.proxy.limits import Limits
from tameflare.proxy.routing import Served

RANDOM_BYTES = 10
RANDOM_AHEAD = 100


class ProxyState:
    """The version being served, the agents' rate windows and the clocks.

    `clock` gives Unix seconds, `tick` seconds of a clock that never goes back; `config_age` how long ago the control
    plane was last heard of.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float],
        tick: Callable[[], float],
        config_age: Callable[[], float],
    ) -> None:
        self.limits = limits
        self.clock = clock
        self.tick = tick
        self.served: Served | None = None
        self.stale = False
        self._random: list[str] = []
        self._config_age = config_age
        self._windows: dict[str, RateWindow] = {}

    @property
    def version(self) -> int:
        """Of the configuration being served; 0 before there is one."""
        return self.served.version if self.served is not None else 0

    @property
    def compiled(self) -> CompiledConfiguration | None:
        return self.served.compiled if self.served is not None else None

    def serve(self, served: Served) -> None:
        """Switch to a new version; windows of agents that are gone are forgotten."""
        self.served = served
        self.stale = False
        known = {agent for gateway in served.compiled.gateways.values() for agent in gateway.agents_by_id}
        self._windows = {
            name: window for name, window in self._windows.items() if name.removesuffix("/limited") in known
        }

    def window(self, agent: str) -> RateWindow:
        found = self._windows.get(agent)
        if found is None:
            found = self._windows[agent] = RateWindow()
        return found

    def records_limited(self, agent: str, limit: int) -> bool:
        """Whether one more 429 of this agent is put on record: as many in a minute as requests are allowed.

        The rest is only counted, or a flood would fill the spool for everybody.
        """
        window = self.window(f"{agent}/limited")
        if window.advance(self.tick()) >= limit:
            return False
        window.charge()
        return True

    def check_age(self) -> None:
        """Note whether the configuration is too old to be served; called about once a second."""
        limit = self.limits.config_max_age
        self.stale = limit > 0 and self._config_age() > limit

    def new_request_id(self, now: float) -> str:
        """Sortable by time (`now`, Unix seconds): milliseconds, then 80 random bits."""
        if not self._random:
            self._random = [urandom(RANDOM_BYTES).hex() for _ in range(RANDOM_AHEAD)]
        return f"req_{int(now * 1000):012x}{self._random.pop()}"
