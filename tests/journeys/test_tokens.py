"""Who may use the proxy: nobody without a token, a run's token no longer than the run, and never with the real key."""

from __future__ import annotations

import base64
import socket
import sys
from urllib.parse import urlsplit

import pytest
from tests.support.product import Governed

from tameflare.demo.product import wait_until

RUN_TOKEN_GRACE = 10.0


def connect(governed: Governed, token: str | None) -> int:
    """The status that the proxy answers to one CONNECT."""
    proxy = urlsplit(governed.product.proxy)
    who = base64.b64encode(f"{token}:".encode()).decode()
    line = f"Proxy-Authorization: Basic {who}\r\n" if token else ""
    request = f"CONNECT api.github.com:443 HTTP/1.1\r\nHost: api.github.com:443\r\n{line}\r\n"
    with socket.create_connection((proxy.hostname, proxy.port), timeout=20) as raw:
        raw.sendall(request.encode())
        return int(raw.recv(4096).split()[1])


@pytest.mark.parametrize("token", [None, "gwtk_wrong", "tfr_wrong.token"], ids=["none", "proxy-token", "run-token"])
def test_no_tunnel_without_a_valid_token(governed: Governed, token: str | None) -> None:
    assert connect(governed, token) == 407


def test_other_kinds_of_token_are_refused(governed: Governed) -> None:
    link = (governed.product.data / "proxy" / "link.token").read_text().strip()
    assert connect(governed, link) == 407
    assert connect(governed, governed.product.personal_token) == 407


def test_the_proxy_token_works_by_itself(governed: Governed) -> None:
    assert connect(governed, governed.product.gateway_token) == 200


def test_a_run_token_dies_with_its_run(governed: Governed) -> None:
    token = governed.python("""
        import json, os, urllib.parse
        print(json.dumps(urllib.parse.unquote(urllib.parse.urlsplit(os.environ["HTTPS_PROXY"]).password)))
    """)
    assert token.startswith("tfr_")
    wait_until(lambda: connect(governed, token) == 407, "the run token's end", RUN_TOKEN_GRACE + 5)


def test_the_child_holds_placeholders_only(governed: Governed) -> None:
    environment = governed.run(sys.executable, "-c", "import os; print(dict(os.environ))").stdout
    product = governed.product
    own = (product.master_key, product.gateway_token, product.personal_token, product.password)
    for secret in (*governed.vendors.keys.all().values(), *own):
        assert secret not in environment
    for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "ANTHROPIC_API_KEY", "STRIPE_API_KEY", "SLACK_BOT_TOKEN"):
        assert name in environment
