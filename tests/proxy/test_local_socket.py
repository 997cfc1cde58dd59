"""Who may use the socket of the proxy's own kill switch, and what callers cannot do to it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tameflare.core.killswitch import LocalSwitch
from tameflare.link.local import LONGEST_LINE, SOCKET_NAME
from tameflare.process import StartFault
from tameflare.proxy import local_socket
from tameflare.proxy.local_socket import AT_A_TIME, LocalSocket, user_name
from tameflare.proxy.local_switch import Change, LocalSwitches
from tameflare.unix_socket import listen_privately, peer_of

ON = b'{"do":"on"}\n'


class Proxy:
    """The switches behind a socket, and what they did."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / SOCKET_NAME
        self.enforced: list[tuple[LocalSwitch, ...]] = []
        self.changes: list[Change] = []
        self.switches = LocalSwitches(
            directory, lambda: 1_700_000_000.5, lambda: None, self.enforced.append, self.changes.append
        )
        self.socket = LocalSocket(directory, self.switches)

    async def say(self, line: bytes) -> Any:
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        writer.write(line)
        answer = await reader.read()
        writer.close()
        return msgspec.json.decode(answer) if answer else None


def run(proxy: Proxy, story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await proxy.socket.start()
        try:
            await story()
        finally:
            proxy.socket.close()

    asyncio.run(asyncio.wait_for(main(), 30))


@pytest.fixture
def proxy(tmp_path: Path) -> Proxy:
    return Proxy(tmp_path)


def test_the_proxys_user_and_root(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.geteuid()
    for owner, root, allowed in ((me, me + 1, True), (me + 1, me, True), (me + 1, me + 2, False)):
        monkeypatch.setattr(local_socket, "ROOT", root)
        monkeypatch.setattr(local_socket.os, "geteuid", lambda owner=owner: owner)

        async def story(allowed: bool = allowed) -> None:
            answer = await proxy.say(ON)
            assert (answer["answer"], answer.get("code")) == (("told", None) if allowed else ("refused", "forbidden"))

        proxy.enforced.clear()
        run(proxy, story)
        assert bool(proxy.enforced) is allowed


def test_where_the_kernel_does_not_say_who_calls_nobody_is_served(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_socket, "peer_of", lambda connection: None)

    async def story() -> None:
        assert (await proxy.say(ON))["code"] == "unsupported"

    run(proxy, story)
    assert proxy.enforced == []


@pytest.mark.parametrize(
    "line",
    [b"\n", b"on\n", b'{"do":"burn"}\n', b'{"do":"on","scope":""}\n', b'{"do":"on","more":1}\n']
    + [msgspec.json.encode({"do": "on", "reason": reason}) + b"\n" for reason in ("x" * 501, "a\x1b[2J")],
)
def test_what_cannot_be_read_changes_nothing(proxy: Proxy, line: bytes) -> None:
    async def story() -> None:
        assert (await proxy.say(line))["code"] == "invalid"

    run(proxy, story)
    assert proxy.enforced == []


def test_a_line_without_end_is_cut_off(proxy: Proxy) -> None:
    async def story() -> None:
        assert await proxy.say(b" " * LONGEST_LINE * 2) is None
        assert (await proxy.say(ON))["answer"] == "told"

    run(proxy, story)


def test_callers_that_say_nothing_do_not_keep_others_out(proxy: Proxy) -> None:
    async def story() -> None:
        silent = [await asyncio.open_unix_connection(str(proxy.path)) for _ in range(AT_A_TIME * 2)]
        assert (await proxy.say(ON))["answer"] == "told"
        assert await silent[0][0].read() == b"", "the one who came first is cut"
        for _, writer in silent:
            writer.close()

    run(proxy, story)


def test_each_change_is_noted_once(proxy: Proxy) -> None:
    async def story() -> None:
        for line in (ON, b'{"do":"status"}\n', b'{"do":"off"}\n', b'{"do":"off"}\n'):
            await proxy.say(line)

    run(proxy, story)
    assert [(change.on, change.by) for change in proxy.changes] == [
        (True, user_name(os.geteuid())),
        (False, proxy.changes[0].by),
    ]
    assert [len(on) for on in proxy.enforced] == [1, 0]


def test_a_user_without_a_name_is_a_number() -> None:
    assert user_name(4_000_000_000) == "uid 4000000000"


def test_a_socket_that_was_left_is_replaced_and_one_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    for _ in range(2):
        listen_privately(tmp_path / "s").close()
    with pytest.raises(StartFault, match="cannot listen on"):
        listen_privately(tmp_path / "missing" / "s")


def test_the_kernel_tells_process_and_user() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert peer_of(one) == (os.getpid(), os.geteuid())
