"""`tf up` over its life: a clean stop, a second start on the same data, and a control plane that is away."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support.doubles import Vendors
from tests.support.processes import halted, processes
from tests.support.product import Governed, installed

from tameflare.demo.product import wait_until

USER = "https://api.github.com/user"


@pytest.fixture
def own(tmp_path: Path, vendors: Vendors) -> Iterator[Governed]:
    with installed(tmp_path, vendors) as governed:
        yield governed


def status(governed: Governed) -> str:
    return governed.run("curl", "-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}", USER).stdout


def test_a_clean_stop_and_a_second_start(own: Governed) -> None:
    product = own.product
    assert status(own) == "200"
    everything = list(processes(product.pid))
    assert product.stop() == 0
    assert [pid for pid in everything if Path(f"/proc/{pid}").exists()] == []
    product.start()
    assert status(own) == "200"
    assert product.log_text().count("set-up code") == 1
    wait_until(lambda: len([row for row in product.traffic() if row["status"] == 200]) == 2, "both records")


def test_nothing_outlives_a_killed_supervisor(own: Governed) -> None:
    everything = list(processes(own.product.pid))
    os.kill(own.product.pid, signal.SIGKILL)
    own.product.stop()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everything), "the end of all processes", 20)
    own.product.start()
    assert status(own) == "200"


def test_the_proxy_goes_on_while_the_control_plane_is_away(own: Governed) -> None:
    with halted(own, "tameflare.control"):
        assert status(own) == "200"
        assert httpx.get(own.product.proxy + "/health", trust_env=False).status_code == 200
    row = own.record(lambda row: row["path"] == "/user")
    assert (row["decision"], row["status"]) == ("allow", 200)


def test_a_second_installation_on_the_same_data_is_refused(governed: Governed) -> None:
    done = governed.operate("server", TF_PORT="0")
    assert done.returncode != 0
    assert "another" in done.stderr or "in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_one_clear_line(governed: Governed) -> None:
    done = governed.operate("up", TF_DATA_DIR=str(governed.product.directory / "other"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "in use" in line
    assert "TF_PORT" in line
