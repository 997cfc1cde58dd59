"""nginx as upstream: it takes requests over TLS and passes them on to itself, and writes down what it understood."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from tests.resistance.smuggling.understood import Understood
from tests.support.waiting import wait_for

PROGRAM = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
CONFIGURATION = """
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  client_body_buffer_size 256k;
  merge_slashes off;
  log_format understood escape=json '{{"method":"$request_method","target":"$request_uri","status":$status,'
    '"body":"$request_body","line":"$request"}}';
  log_format inner escape=json '{{"method":"$request_method","target":"$request_uri","line":"$request"}}';
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {directory}/certificate.pem;
    ssl_certificate_key {directory}/key.pem;
    access_log {directory}/front.log understood;
    location / {{
      proxy_pass http://127.0.0.1:{inner};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }}
  }}
  server {{
    listen 127.0.0.1:{inner};
    access_log {directory}/inner.log inner;
    location / {{ return 200 "understood"; }}
  }}
}}
"""


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


@dataclass
class Nginx:
    directory: Path
    port: int

    def understood(self) -> list[Understood]:
        """What stands in the log, in order; the second server must have understood the same."""
        front = self._lines("front.log")
        found = [_understood(line) for line in front]
        inner = [(line["method"], line["target"]) for line in self._lines("inner.log")]
        assert set(inner) <= {(entry.method, entry.target) for entry in found}
        return found

    def _lines(self, name: str) -> list[dict[str, Any]]:
        path = self.directory / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _understood(line: dict[str, Any]) -> Understood:
    return Understood(line["method"], line["target"], line["body"], line["line"], whole=line["status"] == 200)


@contextlib.contextmanager
def running(directory: Path, certificate: trustme.LeafCert) -> Iterator[Nginx]:
    assert PROGRAM is not None
    port, inner = free_ports(2)
    directory.chmod(0o755)
    certificate.private_key_pem.write_to_path(str(directory / "key.pem"))
    (directory / "certificate.pem").write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
    (directory / "nginx.conf").write_text(CONFIGURATION.format(directory=directory, port=port, inner=inner))
    command = [PROGRAM, "-p", str(directory), "-c", str(directory / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: _listens(port), "nginx listens")
            yield Nginx(directory, port)
        finally:
            process.terminate()
            process.wait(10)


def _listens(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
