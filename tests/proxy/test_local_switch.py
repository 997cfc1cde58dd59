"""The proxy's own kill switch: thrown over its socket, in force at once and after a restart, cleared only there."""

from __future__ import annotations

import os
import pwd
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.proxy.flying import Flying, flying, pins, publish
from tests.support import flights
from tests.support.clients import is_closed
from tests.support.flights import Begin
from tests.support.plane import Plane
from tests.support.upstream import Talk
from tests.support.waiting import wait_for

from tameflare.cli import local_proxy
from tameflare.core.config import AgentConfig
from tameflare.core.decision import EnforcementLevel
from tameflare.core.errors import InvalidValue
from tameflare.core.killswitch import KillSwitch, ScopeKind
from tameflare.link.local import Ask, Told

SECOND = 1.0
NAME = pwd.getpwuid(os.geteuid()).pw_name
ME = f"{NAME} (uid {os.geteuid()})"

Tell = Callable[..., Told]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flying]:
    with flying(tmp_path_factory.mktemp("plane")) as made:
        yield made


@pytest.fixture
def proxy(pair: Flying) -> Iterator[Plane]:
    publish(pair[0])
    yield pair[0]
    pair[0].hang_up()


@pytest.fixture
def tell(proxy: Plane, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tell]:
    """Speak to the proxy as `tf` does; at the end everything is off."""
    monkeypatch.setenv("TF_DATA_DIR", str(proxy.directory / "data"))

    def ask(do: str, scope: str = "all", reason: str = "") -> Told:
        return local_proxy.ask(Ask(do, scope, reason))  # type: ignore[arg-type]

    yield ask
    for switch in ask("status").switches:
        ask("off", switch.scope)


def status(proxy: Plane, agent: str = "worker") -> int:
    return proxy.tunnel(header=proxy.header(agent, proxy.token)).get().status


async def no_content(talk: Talk) -> None:
    await talk.head()
    await talk.say(b"HTTP/1.1 204 No Content\r\n\r\n")
    await talk.gone()


@pytest.mark.parametrize("scope", ["all", "gateway:main", "agent:agent-2"])
@pytest.mark.parametrize("begin", flights.ALL.values(), ids=flights.ALL.keys())
def test_what_is_in_flight_is_cut_within_a_second(
    pair: Flying, proxy: Plane, tell: Tell, begin: Begin, scope: str
) -> None:
    flight = begin(*pair, proxy.header("worker", proxy.token))
    told = tell("on", scope, "drill")
    assert told.active
    rest = flight.cut_within(SECOND)
    assert rest.startswith(b"HTTP/1.1 403 ") if flight.gone is None else rest == b""


@pytest.mark.parametrize(("begin", "name"), [(flights.download, "service"), (flights.opaque, "pinned")])
def test_a_connector_by_itself(pair: Flying, proxy: Plane, tell: Tell, begin: Begin, name: str) -> None:
    flight = begin(*pair, proxy.header())
    tell("on", f"connector:{name}")
    assert flight.cut_within(SECOND) == b""


@pytest.mark.parametrize("level", EnforcementLevel)
def test_it_bites_at_every_level(pair: Flying, proxy: Plane, tell: Tell, level: EnforcementLevel) -> None:
    publish(proxy, level=level)
    flight = flights.events(*pair, proxy.header())
    tell("on")
    assert flight.cut_within(SECOND) == b""
    refused = proxy.tunnel().get()
    assert (refused.status, refused.headers["x-tameflare-kill-switch"]) == (403, "active")
    assert refused.json["matched"] == ["local_kill_switch:all"]


def test_others_go_on(pair: Flying, proxy: Plane, tell: Tell) -> None:
    _, upstream, _ = pair
    flight = flights.download(*pair, proxy.header())
    tell("on", "worker")
    assert [switch.scope for switch in tell("status").switches] == ["agent:agent-2"]
    assert proxy.health()["local_kill_switches"] == ["agent:agent-2"]
    assert not is_closed(flight.wire)
    upstream.script = no_content
    assert (status(proxy, "default"), status(proxy)) == (204, 403)


def test_each_side_clears_only_its_own(pair: Flying, proxy: Plane, tell: Tell) -> None:
    _, upstream, _ = pair
    upstream.script = no_content
    publish(proxy, (KillSwitch(ScopeKind.ALL),))
    tell("on")
    publish(proxy)
    assert status(proxy) == 403, "a new configuration without a switch does not clear the local one"
    publish(proxy, (KillSwitch(ScopeKind.ALL),))
    told = tell("off")
    assert (told.active, told.central) == (False, ("all",))
    assert status(proxy) == 403, "clearing the local one does not clear the control plane's"
    publish(proxy)
    assert status(proxy) == 204


def test_it_needs_no_control_plane_and_survives_a_kill(pair: Flying, proxy: Plane, tell: Tell) -> None:
    _, upstream, _ = pair
    upstream.script = no_content
    kept = proxy.directory / "data" / "proxy" / "kill-switch.json"
    proxy.link.stop()
    try:
        tell("on", "gateway:main", "strange refunds")
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        proxy.stop(signal.SIGKILL)
        version, proxy.version = proxy.version, 0  # it cannot learn of one yet
        proxy.start(pins(*pair[1:]))
        proxy.version = version
        wait_for(lambda: proxy.health()["configuration"]["version"] == version, "the configuration from the disk")
        assert status(proxy) == 403
        assert tell("status").switches[0].reason == "strange refunds"
        tell("off", "gateway:main")
        assert status(proxy) == 204
    finally:
        proxy.link.start()
    intents = wait_for(lambda: [each for each in proxy.intents() if "strange refunds" in each.message], "the record")
    assert intents[0].message == f"{ME} switched gateway:main on at this proxy: strange refunds"
    assert (intents[0].reason, intents[0].matched) == ("local_kill_switch", ("local_kill_switch:gateway:main",))
    assert intents[0].actions[0].type == "tameflare.kill_switch.on"
    assert intents[0].final


def test_a_file_that_cannot_be_read_stops_everything(pair: Flying, proxy: Plane, tell: Tell) -> None:
    proxy.stop()
    (proxy.directory / "data" / "proxy" / "kill-switch.json").write_bytes(b"[{")
    proxy.start(pins(*pair[1:]))
    assert status(proxy) == 403
    assert [switch.scope for switch in tell("status").switches] == ["all"]
    tell("off")
    assert tell("status").switches == ()


def test_a_switch_that_cannot_be_kept_bites_and_says_so(proxy: Plane, tell: Tell) -> None:
    kept = proxy.directory / "data" / "proxy" / "kill-switch.json"
    kept.unlink(missing_ok=True)
    kept.mkdir()  # no file can take its place
    try:
        told = tell("on")
        assert "cannot be kept on disk" in told.problem
        assert status(proxy) == 403
        assert told.problem in proxy.health()["problems"]
        with pytest.raises(Exception, match="the kill switch stays on"):
            tell("off")
        assert status(proxy) == 403
    finally:
        kept.rmdir()
    tell("off")
    assert proxy.health()["problems"] == []


@pytest.mark.parametrize("word", ["nothing", "connector:nothing", "agent:", "planet:earth"])
def test_a_word_that_names_nothing_is_refused(tell: Tell, word: str) -> None:
    with pytest.raises(InvalidValue):
        tell("on", word)
    assert not tell("status").active


def test_a_word_that_names_several_things_is_refused(pair: Flying, proxy: Plane, tell: Tell) -> None:
    publish(proxy, agents=(AgentConfig("agent-1", "default"), AgentConfig("agent-3", "main")))
    with pytest.raises(InvalidValue, match="`agent:agent-3`, `gateway:main`"):
        tell("on", "main")


def test_the_socket_is_closed_to_others(proxy: Plane, tell: Tell) -> None:
    found = (proxy.directory / "data" / "proxy" / "kill-switch.sock").stat()
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600


def test_it_works_under_a_path_longer_than_a_socket_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    with flying(deep) as (proxy, _, _):
        monkeypatch.setenv("TF_DATA_DIR", str(proxy.directory / "data"))
        assert local_proxy.ask(Ask("on")).active
        assert status(proxy) == 403
