"""A real Squid as the company's proxy: with a log-in, a port in TLS, a rule that denies, and names of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trustme
from tests.support.waiting import wait_for

USER, PASSWORD = "ann", "s@crt-canary"
DENIED_PORT = 9
ONLY_SQUID_KNOWS = "inner.company.test"
HELPER = Path("/usr/lib/squid/basic_ncsa_auth")

CONFIGURATION = """
http_port 127.0.0.1:{plain}
https_port 127.0.0.1:{secure} tls-cert={directory}/squid.pem tls-key={directory}/squid.key
pid_filename none
cache deny all
access_log stdio:{directory}/access.log
cache_log {directory}/cache.log
coredump_dir {directory}
hosts_file {directory}/hosts
auth_param basic program {helper} {directory}/passwd
auth_param basic children 2
acl forbidden port {denied}
acl known proxy_auth REQUIRED
http_access deny forbidden
http_access allow known
http_access deny all
shutdown_lifetime 0 seconds
"""


def missing() -> str:
    """Why there is no Squid here; empty where there is one."""
    return "" if shutil.which("squid") and HELPER.exists() else "needs Squid (tools/system_parts.sh chain)"


@dataclass
class Squid:
    directory: Path
    plain: int
    secure: int
    process: subprocess.Popen[bytes]

    def url(self, pair: str = f"{USER}:{PASSWORD.replace('@', '%40')}", *, secure: bool = False) -> str:
        user = f"{pair}@" if pair else ""
        return f"https://{user}localhost:{self.secure}" if secure else f"http://{user}127.0.0.1:{self.plain}"

    def seen(self) -> str:
        """What its log says of requests so far."""
        return (self.directory / "access.log").read_text()

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """The kernel takes connections for it, and it says nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def squid(authority: trustme.CA) -> Iterator[Squid]:
    """Runs in the foreground; its own user must reach its files, so they lie beside those of the tests."""
    with tempfile.TemporaryDirectory(prefix="squid-") as made:
        directory = Path(made)
        ports = _free_ports()
        _prepare(directory, authority, *ports)
        command = [shutil.which("squid") or "squid", "-N", "-f", str(directory / "squid.conf")]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            for port in ports:
                wait_for(lambda port=port: _listens(port), "Squid listens")  # type: ignore[misc]
            yield Squid(directory, *ports, process)
        finally:
            process.kill()
            process.wait()


def _prepare(directory: Path, authority: trustme.CA, plain: int, secure: int) -> None:
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(str(directory / "squid.pem"))
    certificate.private_key_pem.write_to_path(str(directory / "squid.key"))
    hashed = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True)
    (directory / "passwd").write_text(f"{USER}:{hashed.stdout}")
    (directory / "hosts").write_text(f"127.0.0.1 localhost {ONLY_SQUID_KNOWS}\n")
    (directory / "squid.conf").write_text(
        CONFIGURATION.format(directory=directory, plain=plain, secure=secure, helper=HELPER, denied=DENIED_PORT)
    )
    if os.geteuid() == 0:  # it becomes the user of Debian's package
        for path in (directory, *directory.iterdir()):
            shutil.chown(path, "proxy", "proxy")


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
