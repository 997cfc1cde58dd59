"""Squid with ssl-bump, as Debian's squid-openssl brings it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.machine import family
from bench.peers.processes import START_SECONDS, listening, program, said
from bench.peers.site import Site
from bench.peers.way import Missing, Way
from tameflare.core.errors import TameFlareError
from tameflare.demo.product import free_port

HELPER = Path("/usr/lib/squid/security_file_certgen")
USER = "proxy"
"""To whom Debian's Squid changes when root starts it."""
# With the usual 512 KiB of client_request_buffer_max_size Squid 5.7 cut off one upload of 100 MB in four.
CONFIGURATION = """
http_port 127.0.0.1:{own_port} ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB \
tls-cert={room}/ca.pem tls-key={room}/ca.pem
sslcrtd_program {helper} -s {room}/certificates -M 4MB
sslcrtd_children 1 startup=1 idle=1
ssl_bump bump all
tls_outgoing_options cafile={room}/upstream.pem default-ca=off
http_access allow localhost
http_access deny all
cache deny all
access_log none
cache_log {room}/log
cache_store_log none
pid_filename none
coredump_dir {room}
hosts_file {room}/hosts
udp_outgoing_address 127.0.0.1
dns_nameservers 127.0.0.1
pinger_enable off
max_filedescriptors 16384
client_request_buffer_max_size 4 MB
client_idle_pconn_timeout 1 hour
server_idle_pconn_timeout 1 hour
shutdown_lifetime 0 seconds
visible_hostname localhost
"""


@contextmanager
def running(site: Site) -> Iterator[Way]:
    command = program("squid", package="Debian: squid-openssl")
    about = said([command, "-v"])
    if "--with-openssl" not in about or not HELPER.exists():
        raise Missing("`squid` is here without TLS (Debian: squid-openssl)")
    own_port = free_port()
    with TemporaryDirectory(prefix="tameflare-squid-") as name:  # not within ours, which its user must not enter
        room = Path(name)
        _furnish(room, site, own_port)
        with listening([command, "-N", "-f", str(room / "squid.conf")], own_port, room, site.plant.cores.proxy) as pid:
            targets = {host: f"{host}:{port}" for host, port in site.ports.items()}
            version = about.split("Version", 1)[1].split()[0]
            yield Way(
                "Squid",
                f"Squid {version}, ssl-bump, no cache, no access log",
                own_port,
                site.room("squid"),
                site.authority,
                targets,
                port_in_host=True,
                processes=lambda: family(pid),
            )


def _furnish(room: Path, site: Site, own_port: int) -> None:
    """Everything that it reads, and its store of certificates, belonging to the user that it will be."""
    shutil.copy(site.both, room / "ca.pem")
    shutil.copy(site.upstream.authority, room / "upstream.pem")
    (room / "hosts").write_text("".join(f"127.0.0.1 {host}\n" for host in site.ports))
    (room / "squid.conf").write_text(CONFIGURATION.format(room=room, own_port=own_port, helper=HELPER))
    made = subprocess.run(
        [HELPER, "-c", "-s", room / "certificates", "-M", "4MB"],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    if made.returncode:
        raise TameFlareError("Squid's store of certificates cannot be made", made.stderr[:500])
    if os.geteuid() == 0:
        for path in (room, *room.rglob("*")):
            shutil.chown(path, USER)
