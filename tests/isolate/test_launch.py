"""The helper by itself: the plan that it carries out, and what it makes of a plan that does not fit any more."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest
from tests.isolate.conftest import FAULT

from tameflare.isolate.launch import launch
from tameflare.isolate.obstacles import CannotIsolate
from tameflare.isolate.plan import Plan

pytestmark = pytest.mark.skipif(FAULT is not None, reason=f"no isolation here: {FAULT}")


def test_a_plan_survives_its_way() -> None:
    plan = Plan(("a", "b"), {"X": "ü\n"}, "/", hidden={"/x": 3}, listen=(("127.0.0.1", 1),), signals=(2,))
    assert Plan.decode(plan.encode()) == plan


def test_what_was_moved_away_meanwhile_is_not_left_uncovered(tmp_path: Path) -> None:
    """Under the home, as /tmp is private: the directory that lies there now is not the one that was to be hidden."""
    place = Path.home() / f".tf-moved-{os.getpid()}"
    place.mkdir()
    try:
        with pytest.raises(CannotIsolate, match="was moved while the run was prepared"):
            launch(Plan(("true",), {}, "/", hidden={str(place): place.stat().st_ino + 1}))
        with pytest.raises(CannotIsolate, match="was moved while the run was prepared"):
            launch(Plan(("true",), {}, "/", hidden={str(tmp_path.parents[-1] / "home" / "no-such-place"): 1}))
    finally:
        place.rmdir()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "198.51.100.7", "::1"])
def test_listeners_at_the_address_that_a_certificate_names(host: str) -> None:
    program = "import socket,sys; s=socket.create_connection((sys.argv[1],8443)); sys.exit(s.recv(3)!=b'yes')"
    command = ("/usr/bin/env", "python3", "-c", program, host)
    started = launch(Plan(command, {"PATH": os.environ["PATH"]}, "/", listen=((host, 8443),)))
    (listener,) = started.listeners
    threading.Thread(target=_say_yes, args=(listener,), daemon=True).start()
    assert os.waitstatus_to_exitcode(os.waitpid(started.pid, 0)[1]) == 0


def _say_yes(listener: socket.socket) -> None:
    with listener, listener.accept()[0] as connection:
        connection.sendall(b"yes")


@pytest.mark.parametrize(
    ("url", "inside", "listen"),
    [
        ("http://a:t@127.0.0.1:8443", "http://a:t@127.0.0.1:8443", ("127.0.0.1", 8443)),
        ("http://a:t@proxy.example:3128", "http://a:t@127.0.0.1:3128", ("127.0.0.1", 3128)),
        ("http://a:t@proxy.example", "http://a:t@127.0.0.1:80", ("127.0.0.1", 80)),
        ("https://a:t@proxy.example", "https://a:t@proxy.example:443", ("127.0.0.1", 443)),
        ("https://a:t@198.51.100.7:8443", "https://a:t@198.51.100.7:8443", ("198.51.100.7", 8443)),
        ("https://a:t@[::1]:8443", "https://a:t@[::1]:8443", ("::1", 8443)),
    ],
)
def test_the_proxy_as_it_is_called_inside(url: str, inside: str, listen: tuple[str, int]) -> None:
    from tameflare.cli.isolation import Isolation
    from tameflare.cli.wishes import Wishes

    isolation = Isolation(None, Wishes())
    try:
        assert isolation.proxy_url(url) == inside
        assert isolation._listen == [listen]
    finally:
        isolation.close()
