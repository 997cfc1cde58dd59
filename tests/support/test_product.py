"""The helper that starts the product leaves nothing behind where it could not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tameflare.core.errors import TameFlareError
from tameflare.demo.product import Product, free_port, wait_until


def test_a_failed_start_is_cleared_up(tmp_path: Path) -> None:
    product = Product(tmp_path, "", tmp_path / "none.pem", {"TF_RESOLVE": "nonsense"})
    with pytest.raises(TameFlareError, match="TF_RESOLVE"), product:
        raise AssertionError("it started")
    assert not Path(f"/proc/{product.pid}").exists()


def test_waiting_says_what_for() -> None:
    with pytest.raises(TameFlareError, match="in vain for the moon"):
        wait_until(lambda: False, "the moon", 0.1)


def test_a_free_port_is_a_port() -> None:
    assert 0 < free_port() < 65536
