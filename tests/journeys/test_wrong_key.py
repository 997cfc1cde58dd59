"""A start with another master key is told loudly, and undone by a start with the right one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.support.doubles import Vendors
from tests.support.product import Governed, installed

from tameflare.demo.product import tf

WORDS = "SETTINGS_ENCRYPTION_KEY is not the key that this installation's secrets are sealed under"
USER = ("curl", "-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}", "https://api.github.com/user")


def status(governed: Governed, word: str = "status") -> subprocess.CompletedProcess[str]:
    """`tf status`, or another command that needs a log-in."""
    product = governed.product
    environment = {**product.environment(), "TF_TOKEN": product.personal_token}
    command = [*tf(), word]
    return subprocess.run(command, env=environment, cwd=product.project, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("wrong", ["ab" * 32, ""], ids=["another", "none"])
def test_a_wrong_master_key(tmp_path: Path, vendors: Vendors, wrong: str) -> None:
    with installed(tmp_path, vendors) as governed:
        product = governed.product
        right = product.master_key
        assert governed.run(*USER).stdout == "200"
        assert WORDS not in product.log_text()
        assert WORDS not in status(governed).stdout
        product.stop()

        product.master_key = wrong
        product.start()
        lines = product.log_text().splitlines()
        assert len([line for line in lines if line.startswith(f"tf: {WORDS}; start the server with")]) == 1
        logged = [json.loads(line) for line in lines if line.startswith("{")]
        assert [line["level"] for line in logged if line["event"] == "wrong_master_key"] == ["error"]
        told = status(governed)
        assert (told.returncode, WORDS in told.stdout, told.stderr) == (0, True, "")
        assert f"red      log-in: {WORDS}" in status(governed, "doctor").stdout
        assert governed.run("true").returncode == 1, "no token of a gateway works meanwhile"
        product.stop()

        product.master_key = right
        product.start()
        product.wait_for_configuration()
        assert governed.run(*USER).stdout == "200", "token and credential are as they were"
        assert product.log_text().count(f"tf: {WORDS}") == 1
