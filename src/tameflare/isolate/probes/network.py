"""Connections that do not go through the proxy."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from tameflare.isolate.probes.base import Came, Facts, Try, attempt, each, reason

_SECONDS: Final = 1.5
_DNS: Final = 53
_INTERFACES: Final = ("/sys/class/net", "/sys/devices/virtual/net", "/proc/sys/net/ipv4/conf")
_METADATA: Final = (("169.254.169.254", 80), ("fd00:ec2::254", 80), ("100.100.100.200", 80))
_PUBLIC: Final = (("1.1.1.1", 443), ("2606:4700:4700::1111", 443))
_QUERY: Final = (
    struct.pack("!6H", 0x7466, 0x0100, 1, 0, 0, 0) + b"\x09tameflare\x07invalid\x00" + struct.pack("!2H", 1, 1)
)
_INITIAL: Final = b"\xc3\x00\x00\x00\x01\x08" + bytes(8) + b"\x00\x00\x44\xb0"
_OTHER_FAMILIES: Final = {"NFC": 39, "Bluetooth": 31, "CAN": 29, "TIPC": 30, "RDS": 21, "AX.25": 3, "IEEE 802.15.4": 36}
_REACHED: Final = (ConnectionRefusedError, ConnectionResetError)


def family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def is_loopback(host: str) -> bool:
    return ip_address(host.partition("%")[0]).is_loopback


def direct(host: str, port: int, mark: bytes) -> None:
    """Bring the mark to a listener. Raises OSError."""
    with socket.create_connection((host, port), _SECONDS) as line:
        line.sendall(mark)


def _tcp(facts: Facts, mark: bytes, fits: tuple[bool, int]) -> Iterator[Try]:
    loopback, kind = fits
    for name, host, port in facts.tcp:
        if (is_loopback(host), family(host)) == (loopback, kind):
            yield attempt(name, Came.SENT, direct, host, port, mark)


def tcp_ipv4(facts: Facts) -> Iterator[Try]:
    """Variables are only advice: a socket asks nobody."""
    return _tcp(facts, facts.mark("tcp-ipv4"), (True, socket.AF_INET))


def tcp_ipv6(facts: Facts) -> Iterator[Try]:
    return _tcp(facts, facts.mark("tcp-ipv6"), (True, socket.AF_INET6))


def host_addresses(facts: Facts) -> Iterator[Try]:
    mark = facts.mark("host-addresses")
    yield from _tcp(facts, mark, (False, socket.AF_INET))
    yield from _tcp(facts, mark, (False, socket.AF_INET6))


def _datagram(host: str, port: int, mark: bytes) -> None:
    with socket.socket(family(host), socket.SOCK_DGRAM) as sender:
        sender.connect(socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][4])
        sender.send(mark)


def udp(facts: Facts) -> Iterator[Try]:
    for name, host, port in facts.udp:
        yield attempt(name, Came.SENT, _datagram, host, port, facts.mark("udp"))


def quic(facts: Facts) -> Iterator[Try]:
    """A long header of version 1 (RFC 9000, 17.2.2), padded to the 1200 bytes that a first packet must have."""
    packet = (_INITIAL + facts.mark("quic")).ljust(1200, b"\0")
    for name, host, port in facts.udp:
        yield attempt(name, Came.SENT, _datagram, host, port, packet)


def _route(host: str) -> None:
    """Whether the kernel knows a way there; nothing is sent. Raises OSError."""
    with socket.socket(family(host), socket.SOCK_DGRAM) as asker:
        asker.connect((host, _DNS))


def _outside(facts: Facts, host: str, port: int) -> Try:
    """A bare connection, given up soon. A refusal came from there, so the way is open."""
    try:
        _route(host)
    except OSError as fault:
        return Try(host, Came.BLOCKED, reason(fault))
    if facts.offline:
        return Try(host, Came.DONE, "there is a route; nothing was sent")
    try:
        socket.create_connection((host, port), _SECONDS).close()
    except _REACHED:
        return Try(host, Came.DONE, "it refused, so it was reached")
    except OSError as fault:
        return Try(host, Came.BLOCKED, f"there is a route, but: {reason(fault)}")
    return Try(host, Came.DONE, "connected")


def metadata(facts: Facts) -> Iterator[Try]:
    return (_outside(facts, host, port) for host, port in _METADATA)


def public(facts: Facts) -> Iterator[Try]:
    return (_outside(facts, host, port) for host, port in _PUBLIC)


def dns(facts: Facts) -> Iterator[Try]:
    """A name under .invalid (RFC 6761): nobody has it, but the question could carry anything."""
    found = facts.resolvers
    if not found:
        yield Try("/etc/resolv.conf", Came.ABSENT, "it names no server")
    for host in found:
        if facts.offline and not is_loopback(host):
            yield _outside(facts, host, _DNS)
            continue
        yield attempt(f"{host} by UDP", Came.DONE, _ask, host)
        yield attempt(f"{host} by TCP", Came.DONE, direct, host, _DNS, b"")


def _ask(host: str) -> str:
    with socket.socket(family(host), socket.SOCK_DGRAM) as asker:
        asker.settimeout(_SECONDS)
        asker.connect((host, _DNS))
        asker.send(_QUERY)
        asker.recv(512)
    return "it answered"


def raw(facts: Facts) -> Iterator[Try]:
    """They count where there is more than loopback to listen to."""
    lines = [name for _, name in socket.if_nameindex() if name != "lo"]
    shares = facts.namespaces.get("net") == Path("/proc/self/ns/net").stat().st_ino
    for name, kind, protocol in (("raw IP", socket.AF_INET, socket.IPPROTO_ICMP), ("packets", socket.AF_PACKET, 0x300)):
        try:
            socket.socket(kind, socket.SOCK_RAW, protocol).close()
        except OSError as fault:
            yield Try(name, Came.BLOCKED, reason(fault))
            continue
        leads = bool(lines) or shares
        yield Try(name, Came.DONE if leads else Came.BLOCKED, "" if leads else "leads nowhere: there is only loopback")


def interfaces(facts: Facts) -> Iterator[Try]:
    seen = {name for _, name in socket.if_nameindex()}
    seen |= {name for folder in _INTERFACES for name in facts.interfaces if os.access(f"{folder}/{name}", os.F_OK)}
    for name in facts.interfaces:
        yield Try(name, Came.DONE if name in seen else Came.BLOCKED, "" if name in seen else "not to be seen")
    if not facts.interfaces:
        yield Try("interfaces", Came.ABSENT, "this machine has loopback only")


def vsock(facts: Facts) -> Iterator[Try]:
    """To ourselves; the socket would as well reach the machine that this one runs on."""
    kind = getattr(socket, "AF_VSOCK", None)
    if kind is None or not facts.vsock:
        yield Try("vsock", Came.ABSENT, "this machine has none")
        return
    try:
        with socket.socket(kind, socket.SOCK_STREAM) as line:
            line.settimeout(_SECONDS)
            line.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
    except OSError as fault:
        yield Try("vsock", Came.BLOCKED, reason(fault))
        return
    yield Try("vsock", Came.DONE, "a socket to the machine that this one runs on can be had")


def families(_facts: Facts) -> Iterator[Try]:
    def make(name: str) -> None:
        for kind in (socket.SOCK_SEQPACKET, socket.SOCK_RAW, socket.SOCK_DGRAM):
            try:
                socket.socket(_OTHER_FAMILIES[name], kind).close()
                return
            except OSError as fault:
                last = fault
        raise last

    return each(_OTHER_FAMILIES, make)


def no_proxy(facts: Facts) -> Iterator[Try]:
    """`NO_PROXY=*`, as a program may set it for the next one."""
    return _fetch(facts, "no-proxy", {**os.environ, "NO_PROXY": "*", "no_proxy": "*"})


def cleared(facts: Facts) -> Iterator[Try]:
    return _fetch(facts, "cleared-environment", {})


def _fetch(facts: Facts, probe: str, environment: dict[str, str]) -> Iterator[Try]:
    """A program of our own fetches a page of the doctor's, whose path is the mark."""
    name, host, port = facts.tcp[0]
    url = f"http://{host}:{port}/{facts.mark(probe).decode().strip()}"
    program = "import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=3).read()"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-c", program, url], env=environment, capture_output=True, check=False
    )
    told = "" if done.returncode == 0 else done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:120]
    yield Try(name, Came.SENT if done.returncode == 0 else Came.BLOCKED, told)
