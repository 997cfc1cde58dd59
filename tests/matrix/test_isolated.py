"""What is said of an isolated command that failed because it does not know of the proxy."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.matrix.installation import Installation
from tests.matrix.languages.python import isolated

from tameflare.demo.product import tf

REMARK = "nothing came to the proxy; if it wanted the network: isolated, it reaches hosts by HTTPS_PROXY alone"
ASKED = "import urllib.request as r; r.urlopen('https://collector.example/')"
PAST = f"import os; del os.environ['HTTPS_PROXY'], os.environ['https_proxy']; {ASKED}"


@pytest.mark.parametrize(("program", "said"), [(PAST, True), (ASKED, False), ("", False)])
def test_whoever_ignores_the_proxy_is_told_so(matrix: Installation, program: str, said: bool) -> None:
    if missing := isolated():
        pytest.skip(missing)
    done = subprocess.run(
        [*tf(), "run", "--isolate", "--", sys.executable, "-c", program],
        env=matrix.product.environment(),
        cwd=matrix.project("matrix"),
        capture_output=True,
        text=True,
    )
    assert (REMARK in done.stderr) is said, done.stderr
