"""Whose sockets are, by tables as the kernel writes them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tameflare.cli import socket_owner

HEAD = "  sl  local_address\n"
LINE = "   0: {address}:{port} {nobody}:0000 {state} 00000000:00000000 00:00000000 00000000  {user}        0 99 1 0\n"
IPV4, IPV6 = "0100007F", "00000000000000000000000001000000"


def table(path: Path, address: str, *entries: tuple[str, str, int]) -> Path:
    """With a line for each port, state and user."""
    lines = [
        LINE.format(address=address, port=port, nobody="0" * len(address), state=state, user=user)
        for port, state, user in entries
    ]
    path.write_text(HEAD + "".join(lines))
    return path


def test_who_listens_on_a_port_is_read_from_the_kernels_tables(tmp_path: Path) -> None:
    tables = (
        table(tmp_path / "tcp", IPV4, ("20FB", "0A", 1001), ("0BB8", "01", 1001)),
        table(tmp_path / "tcp6", IPV6, ("0BB9", "0A", 1002)),
    )
    assert socket_owner.listener(8443, tables) == 1001
    assert socket_owner.listener(3000, tables) is None
    assert socket_owner.listener(3001, tables) == 1002


def test_a_system_without_tables_tells_of_nobody(tmp_path: Path) -> None:
    assert socket_owner.listener(8443, (tmp_path / "tcp",)) is None


@pytest.mark.skipif(not socket_owner.can_tell(), reason="this system does not tell whose a socket is")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_our_own_listener_is_ours(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert socket_owner.listener(listener.getsockname()[1]) == os.getuid()
