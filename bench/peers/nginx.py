"""nginx as a reverse proxy from TLS to TLS: what passing requests on costs somebody who mints no certificate, tunnels
nothing and asks nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.heads import HOST
from bench.machine import family
from bench.peers.processes import listening, program, said
from bench.peers.site import Site
from bench.peers.way import UNTRUSTED_HOST, Way
from tameflare.demo.product import free_port

CONFIGURATION = """
daemon off;
user root;
worker_processes 1;
pid {room}/pid;
error_log {room}/errors warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {room}/body;
    proxy_temp_path {room}/proxy;
    fastcgi_temp_path {room}/fastcgi;
    uwsgi_temp_path {room}/uwsgi;
    scgi_temp_path {room}/scgi;
    client_max_body_size 0;
    keepalive_timeout 3600;
    keepalive_requests 1000000000;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;

    upstream origin {{
        server 127.0.0.1:{port};
        keepalive 512;
        keepalive_requests 1000000000;
        keepalive_timeout 3600;
    }}
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
    proxy_ssl_server_name on;
    proxy_ssl_name $host;
    proxy_ssl_verify on;
    proxy_ssl_verify_depth 2;
    proxy_ssl_trusted_certificate {authority};
    proxy_request_buffering off;
    proxy_max_temp_file_size 0;
    proxy_buffers 16 32k;
    proxy_buffer_size 32k;

    server {{
        listen 127.0.0.1:{own_port} ssl default_server backlog=4096;
        location / {{ proxy_pass https://origin; }}
        location ~ /sse$ {{ proxy_pass https://origin; proxy_buffering off; }}
    }}
    server {{
        listen 127.0.0.1:{own_port} ssl;
        server_name {untrusted_host};
        location / {{ proxy_pass https://127.0.0.1:{untrusted_port}; }}
    }}
}}
"""


@contextmanager
def running(site: Site) -> Iterator[Way]:
    command = program("nginx", package="Debian: nginx-light")
    version = said([command, "-v"]).strip().rpartition("/")[2]
    room, own_port = site.room("nginx"), free_port()
    configuration = room / "nginx.conf"
    configuration.write_text(_configuration(site, room, own_port))
    with listening([command, "-c", str(configuration)], own_port, room, site.plant.cores.proxy) as pid:
        about = f"nginx {version}, reverse proxy: nothing is intercepted, the host's own certificate is shown"
        yield Way("nginx", about, own_port, room, site.upstream.authority, processes=lambda: family(pid))


def _configuration(site: Site, room: Path, own_port: int) -> str:
    return CONFIGURATION.format(
        room=room,
        certificate=site.upstream.certificate,
        key=site.upstream.key,
        authority=site.upstream.authority,
        port=site.ports[HOST],
        own_port=own_port,
        untrusted_host=UNTRUSTED_HOST,
        untrusted_port=site.ports[UNTRUSTED_HOST],
    )
