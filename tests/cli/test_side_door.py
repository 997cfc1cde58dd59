"""The listener of a run for programs that cannot sign in to a proxy."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tameflare.cli import side_door, socket_owner
from tameflare.cli.side_door import SideDoor, signed

CONNECT = b"CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n\r\n"
SIGNED = b"Proxy-Authorization: Basic Ym90OnRmcl9hLmI="  # bot:tfr_a.b
NOBODY = 65534
LARGE = bytes(range(256)) * 8192

pytestmark = pytest.mark.skipif(not socket_owner.can_tell(), reason="this system does not tell whose a connection is")


@pytest.fixture
def proxy() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)
        yield listening


@contextlib.contextmanager
def opened(port: int, user: int | None) -> Iterator[SideDoor]:
    door = SideDoor(side_door.listen(), f"http://bot:tfr_a.b@127.0.0.1:{port}", user)
    door.serve()
    try:
        yield door
    finally:
        door.close()


@pytest.fixture
def door(proxy: socket.socket) -> Iterator[SideDoor]:
    with opened(proxy.getsockname()[1], os.getuid()) as door:
        yield door


def reached(door: SideDoor) -> socket.socket:
    return socket.create_connection(("127.0.0.1", door.port), 20)


def read_to(connection: socket.socket, end: bytes) -> bytes:
    connection.settimeout(20)
    found = b""
    while not found.endswith(end):
        piece = connection.recv(65536)
        assert piece, found
        found += piece
    return found


def read_all(connection: socket.socket) -> bytes:
    connection.settimeout(20)
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_tunnel_is_opened_with_the_runs_token_and_carries_both_ways(proxy: socket.socket, door: SideDoor) -> None:
    with reached(door) as client:
        client.sendall(CONNECT)
        served, _ = proxy.accept()
        with served:
            head = read_to(served, b"\r\n\r\n")
            assert head == CONNECT[:-2] + SIGNED + b"\r\n\r\n"
            served.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            assert read_to(client, b"\r\n\r\n") == b"HTTP/1.1 200 OK\r\n\r\n"
            client.sendall(b"there")
            assert read_to(served, b"there") == b"there"
            served.sendall(b"and back")
            assert read_to(client, b"back") == b"and back"


def test_an_end_in_one_direction_is_passed_on(proxy: socket.socket, door: SideDoor) -> None:
    found: list[bytes] = []
    with reached(door) as client:
        client.sendall(CONNECT)
        served, _ = proxy.accept()
        with served:
            read_to(served, b"\r\n\r\n")
            receiver = threading.Thread(target=lambda: found.append(read_all(served)))
            receiver.start()
            client.sendall(LARGE)
            client.shutdown(socket.SHUT_WR)
            receiver.join(20)
            served.sendall(LARGE)
        assert read_all(client) == LARGE
    assert found == [LARGE]


def test_a_request_without_a_tunnel_is_the_only_one_of_its_connection() -> None:
    first = b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n"
    asked = first + b"Connection: keep-alive\r\nProxy-Connection: x\r\n\r\n"
    assert signed(asked, b"Basic x") == first + b"Connection: close\r\nProxy-Authorization: Basic x\r\n\r\n"


def test_what_the_program_says_of_itself_is_replaced() -> None:
    asked = CONNECT[:-2] + b"proxy-authorization: Basic other\r\n\r\n"
    assert signed(asked, b"Basic x") == CONNECT[:-2] + b"Proxy-Authorization: Basic x\r\n\r\n"


def test_a_proxy_that_is_gone_is_named(proxy: socket.socket, door: SideDoor) -> None:
    proxy.close()
    with reached(door) as client:
        client.sendall(CONNECT)
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"TameFlare: the proxy cannot be reached" in answer


def test_a_program_that_ends_ends_its_connection_at_the_proxy(proxy: socket.socket, door: SideDoor) -> None:
    client = reached(door)
    client.sendall(CONNECT)
    served, _ = proxy.accept()
    with served:
        read_to(served, b"\r\n\r\n")
        client.close()
        assert read_all(served) == b""


def test_another_user_is_turned_away(proxy: socket.socket) -> None:
    with opened(proxy.getsockname()[1], os.getuid() + 1) as door, reached(door) as client:
        client.sendall(CONNECT)
        assert read_all(client).startswith(b"HTTP/1.1 403 ")
    proxy.settimeout(0.2)
    with pytest.raises(TimeoutError):
        proxy.accept()


def test_another_user_who_says_nothing_is_turned_away_at_once(proxy: socket.socket) -> None:
    with opened(proxy.getsockname()[1], os.getuid() + 1) as door, reached(door) as client:
        client.settimeout(5)
        assert read_all(client).startswith(b"HTTP/1.1 403 ")


DOOR = """
import os, resource, socket, subprocess, sys
from tameflare.cli import side_door
resource.setrlimit(resource.RLIMIT_NOFILE, (90, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
proxy = socket.create_server(("127.0.0.1", 0))
proxy.settimeout(20)
door = side_door.SideDoor(side_door.listen(), f"http://bot:t@127.0.0.1:{proxy.getsockname()[1]}", os.getuid())
door.serve()
command = [sys.executable, "-c", sys.argv[1], str(door.port)]
with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as crowd:
    crowd.stdout.readline()
    spare = [os.dup(0) for _ in range(20)]  # what tf itself may need meanwhile
    crowd.stdin.close()
    served, _ = proxy.accept()
    assert b"Proxy-Authorization" in served.recv(4096)
    served.close()
door.close()
"""
CROWD = """
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
place = ("127.0.0.1", int(sys.argv[1]))
crowd = [socket.create_connection(place) for _ in range(110)]
print(flush=True)
sys.stdin.read()
crowd.clear()
with socket.create_connection(place) as last:
    last.sendall(b"CONNECT a.example:443 HTTP/1.1\\r\\n\\r\\n")
    last.recv(1)
"""


def test_a_crowd_of_silent_connections_leaves_tf_its_descriptors_and_prints_nothing() -> None:
    command = [sys.executable, "-c", DOOR, CROWD]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "first", [b"GET /run/1 HTTP/1.1", b"POST /run HTTP/1.1", b"GET /http://a HTTP/1.1", b"OPTIONS *"]
)
def test_what_is_not_asked_of_a_proxy_does_not_reach_it(proxy: socket.socket, door: SideDoor, first: bytes) -> None:
    with reached(door) as client:
        client.sendall(first + b"\r\nHost: 127.0.0.1\r\n\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 400 ")
    proxy.settimeout(0.1)
    with pytest.raises(TimeoutError):
        proxy.accept()


def test_whoever_reaches_it_may_where_only_the_command_can(proxy: socket.socket) -> None:
    with opened(proxy.getsockname()[1], None) as door, reached(door) as client:
        client.sendall(CONNECT)
        served, _ = proxy.accept()
        with served:
            assert SIGNED in read_to(served, b"\r\n\r\n")


def test_nothing_listens_any_more_once_it_is_closed(proxy: socket.socket) -> None:
    with opened(proxy.getsockname()[1], os.getuid()) as door, reached(door) as client:
        client.sendall(CONNECT)
        served, _ = proxy.accept()
        served.close()
        assert read_all(client) == b""
    threads = [thread for thread in threading.enumerate() if thread.name == "side door"]
    for thread in threads:
        thread.join(20)
    with pytest.raises(ConnectionRefusedError):
        reached(door)


# --- whose process it is


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["ipv4", "both"])
def test_a_connection_of_ours_is_ours(family: socket.AddressFamily) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket(family) as client:
        address = listening.getsockname()
        client.connect(address if family is socket.AF_INET else (f"::ffff:{address[0]}", address[1]))
        accepted, _ = listening.accept()
        with accepted:
            assert socket_owner.peer(accepted) == os.getuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a program as somebody else")
def test_a_connection_of_somebody_else_is_theirs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        command = ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{listening.getsockname()[1]}; cat <&3"]
        with subprocess.Popen(command, user=NOBODY, group=NOBODY, extra_groups=[]) as process:
            accepted, _ = listening.accept()
            with accepted:
                assert socket_owner.peer(accepted) == NOBODY
            assert process.wait(20) == 0


def test_a_connection_that_is_gone_is_nobodys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
        with accepted:
            client.close()
            assert read_all(accepted) == b""
            assert socket_owner.peer(accepted) is None


def test_without_an_authority_that_can_be_read_there_is_no_way_to_a_proxy_in_tls() -> None:
    door = SideDoor(side_door.listen(), "https://bot:tfr_a.b@127.0.0.1:1", os.getuid(), "no certificate")
    door.serve()
    try:
        with reached(door) as connection:
            connection.sendall(b"CONNECT api.example.com:443 HTTP/1.1\r\n\r\n")
            assert read_to(connection, b"`tf proxy`\n").startswith(b"HTTP/1.1 502 ")
    finally:
        door.close()
