"""nginx before the control plane, as an operator would put it there: it ends TLS and passes on."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import trustme
from tests.support.waiting import wait_for

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {room}/pid;
error_log {room}/errors;
events {{}}
http {{
    access_log off;
    client_body_temp_path {room}/a; proxy_temp_path {room}/b; fastcgi_temp_path {room}/c;
    uwsgi_temp_path {room}/d; scgi_temp_path {room}/e;
    server {{
        listen {address}:{port} ssl;
        ssl_certificate {room}/certificate; ssl_certificate_key {room}/key;
        location / {{
            proxy_pass {server};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto https;
            proxy_buffering off;
        }}
    }}
}}
"""


@contextlib.contextmanager
def before(server: str, name: str, address: str, port: int, room: Path, authority: trustme.CA) -> Iterator[None]:
    """Serve `https://name:port` at `address`, until the end."""
    room.mkdir()
    certificate = authority.issue_cert(name)
    certificate.cert_chain_pems[0].write_to_path(str(room / "certificate"))
    certificate.private_key_pem.write_to_path(str(room / "key"))
    text = CONFIGURATION.format(room=room, address=address, port=port, server=server)
    (room / "nginx.conf").write_text(text)
    command = [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(room / "nginx.conf"), "-e", str(room / "errors")]
    process = subprocess.Popen(command)

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
            return True
        assert process.poll() is None, (room / "errors").read_text()
        return False

    try:
        wait_for(listens, "nginx listens")
        yield
    finally:
        process.terminate()
        process.wait()
