"""The doubles of all vendors for tests, and a way to reach them without any proxy."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from tameflare.demo.certificates import ServerCertificate, make_certificates
from tameflare.demo.doubles.anthropic import Anthropic
from tameflare.demo.doubles.github import GitHub
from tameflare.demo.doubles.ledger import Ledger
from tameflare.demo.doubles.openai import OpenAI
from tameflare.demo.doubles.server import Doubles
from tameflare.demo.doubles.slack import Slack
from tameflare.demo.doubles.stranger import Stranger
from tameflare.demo.doubles.stripe import Stripe
from tameflare.demo.doubles.web import Vendor
from tameflare.demo.keys import VendorKeys


@dataclass(frozen=True)
class Vendors:
    """The running doubles, the keys that they accept, and the authority that signed their certificate."""

    server: Doubles
    keys: VendorKeys
    certificates: ServerCertificate

    @property
    def ledger(self) -> Ledger:
        return self.server.ledger

    @contextlib.contextmanager
    def direct(self) -> Iterator[None]:
        """Within it every name leads to the doubles, and their authority is trusted by environment variables."""
        look_up = socket.getaddrinfo

        def pinned(host: object, port: object, *rest: object, **options: object) -> object:
            return look_up("127.0.0.1", self.server.port, socket.AF_INET, socket.SOCK_STREAM)

        names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
        trusted = dict.fromkeys(names, str(self.certificates.authority))
        with mock.patch.object(socket, "getaddrinfo", pinned), mock.patch.dict(os.environ, trusted):
            yield


def no_others(keys: VendorKeys) -> Iterable[Vendor]:
    return ()


@contextlib.contextmanager
def running(directory: Path, others: Callable[[VendorKeys], Iterable[Vendor]] = no_others) -> Iterator[Vendors]:
    """All doubles, with git repositories below `directory`/repositories. `others` come on top, and take the place of
    those for the same host."""
    keys = VendorKeys()
    repositories = make_repository(directory / "repositories")
    vendors: tuple[Vendor, ...] = (
        GitHub(keys.github, repositories),
        OpenAI(keys.openai),
        Stripe(keys.stripe),
        Slack(keys.slack),
        Anthropic(keys.anthropic),
        Stranger(),
        *others(keys),
    )
    made = make_certificates(directory, list(dict.fromkeys(host for vendor in vendors for host in vendor.hosts)))
    with Doubles(vendors, made.certificate, made.key) as server:
        yield Vendors(server, keys, made)


def make_repository(root: Path) -> Path:
    """A bare repository `acme/site.git` with one commit on main; returns `root`."""
    bare = root / "acme" / "site.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git("-C", str(bare), "config", "http.receivepack", "true")
    tree = git("-C", str(bare), "mktree", "--missing", text="")
    commit = git("-C", str(bare), "commit-tree", tree.strip(), "-m", "first")
    git("-C", str(bare), "update-ref", "refs/heads/main", commit.strip())
    return root


def git(*arguments: str, text: str | None = None) -> str:
    """Run git by itself, outside the product, as somebody; returns its output."""
    person = {f"GIT_{role}_{part}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent", **person}
    done = subprocess.run(["git", *arguments], env=environment, input=text, capture_output=True, text=True, check=True)
    return done.stdout
