"""`tf up` as a process: how it starts, keeps its children running, and stops."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tameflare import settings, supervisor
from tameflare.core.errors import TameFlareError
from tameflare.demo.product import Product, free_port, tf, wait_until
from tameflare.listening import listen
from tameflare.settings import Settings


def children(pid: int) -> dict[str, int]:
    """The processes that a supervisor started, by the last word of their command line."""
    found = {}
    for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found[Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")[2].decode()] = int(number)
    return found


def gone(*pids: int) -> bool:
    return all(state(pid) in {"", "Z"} for pid in pids)


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    with Product(tmp_path, "", tmp_path / "none.pem", {"TF_UPSTREAM_CA": ""}) as running:
        wait_until(lambda: "TameFlare is up" in running.log_text(), "the readiness lines")
        yield running


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One that no test ends, with a listener in TLS, started in a directory that an agent may have written to."""
    directory = tmp_path_factory.mktemp("standing")
    (directory / "home").mkdir()
    for module in ("uvloop", "structlog", "tameflare"):
        (directory / "home" / f"{module}.py").write_text(f"open('taken-{module}', 'w')\nraise SystemExit\n")
    with Product(directory, "", directory / "none.pem", {"TF_UPSTREAM_CA": ""}, tls=True) as running:
        wait_until(lambda: "TameFlare is up" in running.log_text(), "the readiness lines")
        yield running


def test_it_tells_where_it_is_and_how_to_register(standing: Product) -> None:
    told = standing.log_text()
    assert f"  dashboard  {standing.server}/dashboard\n" in told
    assert f"  server     {standing.server}\n" in told
    assert f"  proxy      {standing.proxy}\n" in told
    assert f"  {standing.server}/register\n" in told
    assert (standing.data / "server" / "setup-code").read_text().strip() in told


def test_no_code_is_taken_from_the_directory_it_is_started_in(standing: Product) -> None:
    assert standing.answers(standing.proxy + "/health")
    assert list(standing.home.glob("taken-*")) == []


def test_ctrl_c_stops_both_cleanly(product: Product) -> None:
    started = list(children(product.pid).values())
    assert product.stop() == 0
    assert gone(*started)
    for url in (product.server, product.proxy):
        socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))).close()
    assert "Traceback" not in product.log_text()


def test_a_child_that_dies_is_started_again(product: Product) -> None:
    before = children(product.pid)
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: product.answers(product.server + "/api/health"), "the server")
    wait_until(lambda: product.answers(product.proxy + "/health"), "the proxy")
    after = children(product.pid)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    assert "the proxy ended (SIGKILL); starting it again in 0.2 s" in product.log_text()


def test_children_do_not_outlive_a_killed_supervisor(product: Product) -> None:
    started = list(children(product.pid).values())
    assert len(started) == 2
    os.kill(product.pid, signal.SIGKILL)
    wait_until(lambda: gone(*started), "the children to end", 20)


def up(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    ports = {"TF_PORT": "0", "TF_PROXY_PORT": "0", "TF_DATA_DIR": str(tmp_path / "data")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **ports, **variables}
    return subprocess.run([*tf(), "up"], env=environment, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("name", ["TF_PORT", "TF_PROXY_PORT"])
def test_a_port_in_use_is_one_line_that_names_the_setting(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = up(tmp_path, **{name: str(port)})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"tf: port {port} on 127.0.0.1 is in use; stop what uses it (`ss -ltnp`), or set {name}\n"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"TF_PORT": "x"}, "tf: TF_PORT is not a port from 0 to 65535; correct it or unset it\n"),
        ({"TF_HOST": "192.0.2.1"}, "tf: TF_HOST `192.0.2.1` is no address of this machine; correct TF_HOST\n"),
        ({"TF_HOST": "no such"}, "tf: TF_HOST `no such` is no address of this machine; correct TF_HOST\n"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, variables: dict[str, str], words: str) -> None:
    ended = up(tmp_path, **variables)
    assert (ended.returncode, ended.stderr) == (2, words)


def test_a_data_directory_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    ended = up(tmp_path)
    assert ended.returncode == 1
    assert f"`{tmp_path}/data` may be used by others (mode 755); run `chmod 700" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_child_that_cannot_start_ends_it_all(tmp_path: Path) -> None:
    ended = up(tmp_path, TF_UPSTREAM_CA=str(tmp_path / "missing.pem"))
    assert ended.returncode == 1
    assert "missing.pem" in ended.stderr
    assert "tf: the proxy did not start; the line above says why" in ended.stderr


def test_the_children_are_told_the_ports_that_were_bound() -> None:
    environment = Settings({"TF_PORT": "0", "TF_PROXY_PORT": "0"})
    with (
        listen(environment, settings.HOST, settings.PORT) as server,
        listen(environment, settings.PROXY_HOST, settings.PROXY_PORT) as proxy,
    ):
        told = supervisor.child_variables({"TF_PORT": "0", "A": "b"}, server, proxy)
        assert told["TF_SERVER_URL"] == supervisor.url_of(server) == f"http://127.0.0.1:{told['TF_PORT']}"
        assert (told["TF_PROXY_PORT"], told["A"]) == (str(proxy.getsockname()[1]), "b")


def test_a_port_that_may_not_be_bound_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refused)
    with pytest.raises(TameFlareError, match=r"cannot listen on 127\.0\.0\.1 port 80: Permission denied; set TF_PORT"):
        listen(Settings({"TF_PORT": "80"}), settings.HOST, settings.PORT)


def test_a_second_listener_in_tls_is_told_of(standing: Product) -> None:
    wait_until(lambda: f"  elsewhere  {standing.secured_proxy}\n" in standing.log_text(), "the line about it")
    context = ssl.create_default_context(cafile=str(standing.data / "proxy" / "ca.pem"))
    assert httpx.get(f"{standing.secured_proxy}/health", verify=context, trust_env=False).status_code == 200


def test_the_only_listener_of_the_proxy_may_be_in_tls(tmp_path: Path) -> None:
    """The supervisor waits for it by https, then."""
    ready = tmp_path / "out"
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    ports = {"TF_PORT": str(free_port()), "TF_PROXY_PORT": str(free_port())}
    environment = {**os.environ, "TF_DATA_DIR": str(data), "TF_PROXY_TLS_NAMES": "proxy.example", **ports}
    with ready.open("wb") as out, subprocess.Popen([*tf(), "up"], env=environment, stdout=out, stderr=out) as process:
        try:
            wait_until(lambda: "TameFlare is up" in ready.read_text(), "the readiness lines")
        finally:
            process.send_signal(signal.SIGINT)
    assert f"  proxy      https://127.0.0.1:{ports['TF_PROXY_PORT']}\n" in ready.read_text()
