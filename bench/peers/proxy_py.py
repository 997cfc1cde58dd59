"""proxy.py with TLS interception, in the same virtual environment as mitmproxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.machine import family
from bench.peers.processes import listening, program, said
from bench.peers.python import ENVIRONMENT
from bench.peers.site import Site
from bench.peers.way import Way
from tameflare.demo.product import free_port


@contextmanager
def running(site: Site) -> Iterator[Way]:
    command = program("proxy", package="make bench-peers installs proxy.py", directory=ENVIRONMENT / "bin")
    version = said([command, "--version"]).strip()
    room, own_port = site.room("proxy.py"), free_port()
    options = {
        "hostname": "127.0.0.1",
        "port": own_port,
        "num-workers": 1,  # it has one core
        "num-acceptors": 1,
        "backlog": 4096,
        "open-file-limit": 16384,
        "timeout": 3600,
        "log-level": "ERROR",
        "data-dir": room / "data",
        "ca-cert-dir": room / "certificates",
        "ca-cert-file": site.authority,
        "ca-key-file": site.key,
        "ca-signing-key-file": site.key,
        "ca-file": site.upstream.authority,
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    with listening([command, *flags], own_port, room, site.plant.cores.proxy) as pid:
        yield Way(
            "proxy.py",
            f"proxy.py {version}, TLS interception, one worker",
            own_port,
            room,
            site.authority,
            # It resolves by the system's means, and verifies the name that CONNECT has.
            {host: f"localhost:{port}" for host, port in site.ports.items()},
            processes=lambda: family(pid),
        )
