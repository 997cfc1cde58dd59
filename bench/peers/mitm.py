"""mitmproxy's mitmdump, in a virtual environment of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from bench.machine import family
from bench.peers.processes import listening, program, said
from bench.peers.python import ENVIRONMENT
from bench.peers.site import Site
from bench.peers.way import Way
from tameflare.demo.product import free_port

_OPTIONS = {
    "stream_large_bodies": "1k",  # else a body is collected as a whole before it goes on, and events never come
    "http2": "false",  # which nobody here speaks
}


@contextmanager
def running(site: Site) -> Iterator[Way]:
    command = program("mitmdump", package="make bench-peers installs mitmproxy", directory=ENVIRONMENT / "bin")
    about = dict(line.split(":", 1) for line in said([command, "--version"]).splitlines() if ":" in line)
    room, own_port = site.room("mitmproxy"), free_port()
    shutil.copy(site.both, room / "mitmproxy-ca.pem")
    options = {**_OPTIONS, "confdir": str(room), "ssl_verify_upstream_trusted_ca": str(site.upstream.authority)}
    flags = [part for name, value in options.items() for part in ("--set", f"{name}={value}")]
    where = ["--listen-host", "127.0.0.1", "--listen-port", str(own_port)]
    with listening([command, "--quiet", *where, *flags], own_port, room, site.plant.cores.proxy) as pid:
        yield Way(
            "mitmproxy",
            f"mitmproxy {about['Mitmproxy'].strip()} on Python {about['Python'].strip()}, bodies above 1 KiB streamed",
            own_port,
            room,
            site.authority,
            # It resolves by the system's means; the name that it verifies is the one in the client's TLS hello.
            {host: f"127.0.0.1:{port}" for host, port in site.ports.items()},
            processes=lambda: family(pid),
        )
