"""What a Java program needs beside the environment: it reads neither HTTPS_PROXY nor a file of PEM certificates.

Every JVM takes options from JAVA_TOOL_OPTIONS and says so on stderr. There is no option for a proxy's user and password
that the JDK's own clients would use, so the proxy that is named here is the side door of this run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from tameflare.cli import side_door, socket_owner
from tameflare.cli.side_door import SideDoor
from tameflare.cli.truststore import truststore

VARIABLE: Final = "JAVA_TOOL_OPTIONS"


def prepare(environment: dict[str, str], proxy_url: str, no_proxy: Collection[str]) -> SideDoor | None:
    """Add what Java programs need to the environment of a run, and give the listener that must be served for them.

    None, and nothing is added, where there is no Java or where it cannot be told who connects.
    """
    if not is_here(environment) or not socket_owner.can_tell():
        return None
    door = SideDoor(side_door.listen(), proxy_url, os.getuid(), authorities(environment))
    add(environment, door.port, no_proxy)
    return door


def authorities(environment: Mapping[str, str]) -> str:
    """Whom programs of the run trust, PEM."""
    return Path(environment["SSL_CERT_FILE"]).read_text(encoding="utf-8")


def add(environment: dict[str, str], port: int, no_proxy: Collection[str]) -> None:
    """Add the options for a side door that listens on `port`, with a trust store beside the run's bundle."""
    store = Path(environment["SSL_CERT_FILE"]).with_name("truststore.p12")
    store.write_bytes(truststore(authorities(environment)))
    environment[VARIABLE] = tool_options(environment.get(VARIABLE, ""), port, store, no_proxy)


def is_here(environment: Mapping[str, str]) -> bool:
    """Whether a Java program could be started: there is a `java` on the path, or JAVA_HOME."""
    return bool(environment.get("JAVA_HOME") or shutil.which("java", path=environment.get("PATH", os.defpath)))


def tool_options(before: str, port: int, store: Path, no_proxy: Collection[str]) -> str:
    """The value of JAVA_TOOL_OPTIONS: the user's own options, then ours, of which each wins over one before it."""
    return " ".join(filter(None, (before.strip(), *_options(port, store, no_proxy))))


def _options(port: int, store: Path, no_proxy: Collection[str]) -> Iterator[str]:
    for scheme in ("http", "https"):
        yield f"-D{scheme}.proxyHost=127.0.0.1"
        yield f"-D{scheme}.proxyPort={port}"
    yield f"-Dhttp.nonProxyHosts={'|'.join(_patterns(no_proxy))}"  # empty: not even this machine, as for other clients
    yield _quoted(f"-Djavax.net.ssl.trustStore={store}")
    yield "-Djavax.net.ssl.trustStoreType=PKCS12"
    yield "-Djavax.net.ssl.trustStorePassword="


def _quoted(option: str) -> str:
    return f'"{option}"' if " " in option else option


def _patterns(hosts: Collection[str]) -> Iterator[str]:
    """A host stands for those below it, as in NO_PROXY."""
    for host in hosts:
        bare = host.lstrip(".")
        yield from (bare, f"*.{bare}")
