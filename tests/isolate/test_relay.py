"""The relay between real sockets: ends, faults, floods and limits."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.waiting import wait_for

from tameflare.isolate.relay import Relay

SECONDS = 20.0
Handler = Callable[[socket.socket], None]


@contextmanager
def relayed(handle: Handler, limit: int = 1000) -> Iterator[tuple[str, int]]:
    """A relay before a server that handles each connection in a thread; the address to connect to."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server:
        threading.Thread(target=_accept, args=(server, handle), daemon=True).start()
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        relay = Relay(listener, socket.AF_INET, server.getsockname(), limit)
        relay.serve()
        try:
            yield listener.getsockname()
        finally:
            relay.close()
            server.shutdown(socket.SHUT_RDWR)
            wait_for(lambda: listener.fileno() < 0, "the relay to end")


def _accept(server: socket.socket, handle: Handler) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        connection.settimeout(SECONDS)
        threading.Thread(target=handle, args=(connection,), daemon=True).start()


def connect(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, SECONDS)


def everything(handle: socket.socket) -> bytes:
    return b"".join(iter(lambda: handle.recv(1 << 20), b""))


def echo(connection: socket.socket) -> None:
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def test_bytes_go_both_ways_and_each_end_is_passed_on() -> None:
    def answer_after_the_end(connection: socket.socket) -> None:
        with connection:
            connection.sendall(b"got " + everything(connection))

    with relayed(answer_after_the_end) as address, connect(address) as client:
        client.sendall(b"asked")
        client.shutdown(socket.SHUT_WR)
        assert everything(client) == b"got asked"


def test_the_servers_end_leaves_the_other_direction_open() -> None:
    heard: list[bytes] = []

    def end_first(connection: socket.socket) -> None:
        with connection:
            connection.shutdown(socket.SHUT_WR)
            heard.append(everything(connection))

    with relayed(end_first) as address, connect(address) as client:
        assert client.recv(1) == b""
        client.sendall(b"still here")
        client.shutdown(socket.SHUT_WR)
        wait_for(lambda: heard, "the server to hear it")
    assert heard == [b"still here"]


def test_a_large_transfer_arrives_whole_both_ways() -> None:
    data = os.urandom(1 << 20) * 32
    with relayed(echo) as address, connect(address) as client:
        sender = threading.Thread(target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR)))
        sender.start()
        assert everything(client) == data
        sender.join()


def test_a_reader_that_does_not_read_stops_the_writer_and_nobody_else() -> None:
    go_on = threading.Event()

    def read_late(connection: socket.socket) -> None:
        with connection:
            if connection.recv(1) == b"s":
                go_on.wait(SECONDS)
            connection.sendall(b"%d" % len(everything(connection)))

    with relayed(read_late) as address, connect(address) as slow, connect(address) as quick:
        slow.sendall(b"s")
        slow.setblocking(False)
        sent = _fill(slow)
        quick.sendall(b"q1234")
        quick.shutdown(socket.SHUT_WR)
        assert everything(quick) == b"4"
        assert sent < 64 << 20
        go_on.set()
        slow.settimeout(SECONDS)
        slow.shutdown(socket.SHUT_WR)
        assert everything(slow) == b"%d" % sent


def _fill(handle: socket.socket) -> int:
    """Send until nothing more is taken, for longer than a pause of the relay."""
    import select

    sent = 0
    while select.select([], [handle], [], 0.2)[1]:
        sent += handle.send(bytes(65536))
    return sent


def test_a_reset_is_a_reset_on_the_other_side() -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with relayed(reset) as address, connect(address) as client:
        client.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_proxy_that_is_gone_is_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nowhere = gone.getsockname()
    listener = socket.create_server(("127.0.0.1", 0))
    relay = Relay(listener, socket.AF_INET, nowhere, 10)
    relay.serve()
    with pytest.raises(ConnectionResetError), connect(listener.getsockname()) as client:
        client.recv(1)
    relay.close()


def test_many_connections_at_a_time() -> None:
    with relayed(echo) as address:
        clients = [connect(address) for _ in range(300)]
        for number, client in enumerate(clients):
            client.sendall(b"%d" % number)
        assert [client.recv(16) for client in clients] == [b"%d" % number for number in range(300)]
        for client in clients:
            client.close()


def test_those_above_the_limit_wait_for_a_place() -> None:
    with relayed(echo, limit=2) as address:
        first, second, third = (connect(address) for _ in range(3))
        for client in (first, second):
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        third.sendall(b"x")
        third.settimeout(0.2)
        with pytest.raises(TimeoutError):
            third.recv(1)
        first.close()
        third.settimeout(SECONDS)
        assert third.recv(1) == b"x"
        second.close()
        third.close()


@contextmanager
def no_free_descriptor() -> Iterator[None]:
    """This process can open nothing for as long as this lasts."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[0], highest + 5), before[1]))
    taken: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for handle in taken:
            os.close(handle)


def test_without_a_free_descriptor_it_takes_no_time_until_there_is_one() -> None:
    with relayed(echo) as address, contextlib.ExitStack() as stack:
        client = stack.enter_context(socket.socket())
        with no_free_descriptor():
            client.connect(address)
            before = sum(os.times()[:2])
            threading.Event().wait(0.3)
            assert sum(os.times()[:2]) - before < 0.15
        client.settimeout(SECONDS)
        client.sendall(b"x")
        if client.recv(1) == b"":  # another thread gave one back meanwhile: enough to take it, not to pass it on
            client = stack.enter_context(socket.create_connection(address, SECONDS))
            client.sendall(b"x")
            assert client.recv(1) == b"x"


def test_an_idle_relay_and_one_whose_reader_hangs_take_no_time() -> None:
    """A socket that was hung up must not wake the relay again and again."""
    stay = threading.Event()

    def flood(connection: socket.socket) -> None:
        with connection:
            connection.sendall(bytes(8 << 20))
            connection.shutdown(socket.SHUT_WR)
            stay.wait(SECONDS)

    with relayed(flood) as address, connect(address) as client:
        client.shutdown(socket.SHUT_WR)
        wait_for(lambda: _readable(client), "the flood to arrive")
        before = sum(os.times()[:2])
        threading.Event().wait(0.3)
        assert sum(os.times()[:2]) - before < 0.2
        stay.set()
        assert len(everything(client)) == 8 << 20


def _readable(handle: socket.socket) -> bool:
    return len(handle.recv(1 << 16, socket.MSG_PEEK)) >= 1 << 15
