"""A plain interceptor on Go's net/http: bench/peers/interceptor."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.machine import family
from bench.native import BUILD
from bench.peers.processes import listening, program, said
from bench.peers.site import Site
from bench.peers.way import Missing, Way
from tameflare.demo.product import free_port

SOURCES = Path(__file__).with_name("interceptor")
BUILD_SECONDS = 300


@contextmanager
def running(site: Site) -> Iterator[Way]:
    compiler = program("go", package="Debian: golang-go")
    version = said([compiler, "version"]).split()[2].removeprefix("go")
    built = build(compiler)
    room, own_port = site.room("go"), free_port()
    pins = ",".join(f"{host}:443=127.0.0.1:{port}" for host, port in site.ports.items())
    options = {
        "listen": f"127.0.0.1:{own_port}",
        "certificate": str(site.authority),
        "key": str(site.key),
        "trust": str(site.upstream.authority),
        "resolve": pins,
    }
    flags = [part for name, value in options.items() for part in (f"-{name}", value)]
    with listening([str(built), *flags], own_port, room, site.plant.cores.proxy) as pid:
        yield Way(
            "Go net/http",
            f"bench/peers/interceptor, Go {version}, standard library",
            own_port,
            room,
            site.authority,
            {host: f"{host}:443" for host in site.ports},
            processes=lambda: family(pid),
        )


def build(compiler: str) -> Path:
    """The program, made anew where a source is newer. Raises Missing where it does not compile."""
    built = BUILD / "interceptor"
    sources = sorted(SOURCES.glob("*.go"))
    if built.exists() and built.stat().st_mtime >= max(path.stat().st_mtime for path in sources):
        return built
    BUILD.mkdir(exist_ok=True)
    # No module, no download: it needs the standard library alone.
    environment = {**os.environ, "GO111MODULE": "off", "GOPROXY": "off", "GOCACHE": str(BUILD / "go-cache")}
    done = subprocess.run(
        [compiler, "build", "-trimpath", "-o", str(built), "."],
        cwd=SOURCES,
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    shutil.rmtree(BUILD / "go-cache", ignore_errors=True)
    if done.returncode:
        raise Missing(f"the Go interceptor does not compile: {done.stderr.strip()[:300]}")
    return built
