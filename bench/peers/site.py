"""Where all ways lead: the upstream that is measured, and one that nobody should trust."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench import native, plant
from bench.heads import HOST, UPLOAD_HOST
from bench.peers.way import UNTRUSTED_HOST
from tameflare.demo.certificates import ServerCertificate, make_certificates
from tameflare.proxy.certificates import make_authority


@dataclass(frozen=True)
class Site:
    """`upstream` trusts and names the upstream; `ports` are those of the hosts.

    `authority` with `key` is what peers sign with; `both` is one file with the two.
    """

    plant: plant.Plant
    directory: Path
    upstream: ServerCertificate
    ports: Mapping[str, int]
    authority: Path
    key: Path
    both: Path

    def room(self, name: str) -> Path:
        """A new directory for one peer."""
        path = self.directory / name
        path.mkdir(mode=0o700)
        return path


@contextmanager
def opened() -> Iterator[Site]:
    """With ours in it, since that is what brings the upstream up."""
    programs = native.build()
    with TemporaryDirectory(prefix="tameflare-peers-") as name:
        directory = Path(name)
        (directory / "untrusted").mkdir()
        wrong = make_certificates(directory / "untrusted", (*plant.HOSTS, UNTRUSTED_HOST))
        with (
            plant.serving([str(programs["upstream"]), str(wrong.certificate), str(wrong.key)]) as untrusted,
            plant.running([f"{UNTRUSTED_HOST}:443:127.0.0.1:{untrusted}"]) as running,
        ):
            ports = {HOST: running.upstream_port, UPLOAD_HOST: running.upstream_port, UNTRUSTED_HOST: untrusted}
            yield Site(running, directory, running.certificates, ports, *_authority(directory))


def _authority(directory: Path) -> tuple[Path, Path, Path]:
    """A throw-away authority for all peers, with P-256 as everything here: its certificate, its key, and both."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = make_authority(key, datetime.now(UTC)).public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    paths = directory / "peers.pem", directory / "peers.key", directory / "peers-both.pem"
    for path, text in zip(paths, (certificate, private, private + certificate), strict=True):
        path.touch(0o600)
        path.write_bytes(text)
    return paths
