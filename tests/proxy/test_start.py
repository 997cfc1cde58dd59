"""Where the proxy listens, and how many connections it may hold."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from tests.support.plane import Plane

from tameflare.core.errors import SettingError
from tameflare.proxy.main import refuse_plaintext, serve
from tameflare.settings import Settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "proxy.example", ""])
def test_tokens_do_not_cross_a_network_unencrypted(host: str) -> None:
    with pytest.raises(SettingError, match="is not a loopback address and this proxy speaks no TLS"):
        refuse_plaintext(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_will_do(host: str) -> None:
    refuse_plaintext(host)


def test_nothing_is_made_before_the_refusal(tmp_path: Path) -> None:
    with pytest.raises(SettingError):
        serve(Settings({"TF_PROXY_HOST": "0.0.0.0", "TF_DATA_DIR": str(tmp_path / "data")}))
    assert not (tmp_path / "data").exists()


def test_as_many_files_may_be_open_as_the_machine_lets_us(proxy: Plane) -> None:
    assert proxy.process is not None
    soft, hard = resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard
