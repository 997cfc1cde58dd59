from __future__ import annotations

from pathlib import Path

import pytest

from tameflare.cli import java, socket_owner
from tameflare.demo.certificates import make_certificates

STORE = Path("/run/store.p12")


def test_options_come_behind_the_users_own() -> None:
    options = java.tool_options("-Xmx64m -Dhttps.proxyPort=1 ", 4711, STORE, ()).split(" ")
    assert options[:2] == ["-Xmx64m", "-Dhttps.proxyPort=1"]
    assert options.index("-Dhttps.proxyPort=4711") > 1
    assert {"-Dhttp.proxyHost=127.0.0.1", "-Dhttps.proxyHost=127.0.0.1"} < set(options)
    assert f"-Djavax.net.ssl.trustStore={STORE}" in options


@pytest.mark.parametrize(
    ("hosts", "patterns"),
    [((), ""), (("a.internal",), "a.internal|*.a.internal"), ((".b", "c"), "b|*.b|c|*.c")],
)
def test_hosts_reached_directly(hosts: tuple[str, ...], patterns: str) -> None:
    assert f"-Dhttp.nonProxyHosts={patterns}" in java.tool_options("", 1, STORE, hosts).split(" ")


def test_a_folder_with_a_blank_stays_one_option() -> None:
    assert '"-Djavax.net.ssl.trustStore=/a b/store.p12"' in java.tool_options("", 1, Path("/a b/store.p12"), ())


def test_without_java_nothing_is_added(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path)}
    assert java.prepare(environment, "http://a:b@127.0.0.1:1", ()) is None
    assert environment == {"PATH": str(tmp_path)}


@pytest.mark.skipif(not socket_owner.can_tell(), reason="this system does not tell whose a connection is")
def test_with_java_there_is_a_store_beside_the_bundle(tmp_path: Path) -> None:
    bundle = make_certificates(tmp_path, ["api.example.com"]).authority
    environment = {"PATH": "", "JAVA_HOME": "/opt/java", "SSL_CERT_FILE": str(bundle)}
    door = java.prepare(environment, "http://bot:tfr_s3cret@127.0.0.1:1", ())
    assert door is not None
    door.serve()
    door.close()
    store = bundle.with_name("truststore.p12")
    assert store.stat().st_size > 500
    assert str(store) in environment[java.VARIABLE]
    assert f"-Dhttps.proxyPort={door.port}" in environment[java.VARIABLE]
    assert "s3cret" not in environment[java.VARIABLE]  # JVMs print it
