"""urllib3 by itself: it reads no variables of a proxy."""

from __future__ import annotations

import contextlib
import os

import urllib3
from telling import USER, github, internet, tell

POOL = urllib3.PoolManager(ca_certs=os.environ["SSL_CERT_FILE"], timeout=10, retries=0)


def around() -> bool:
    with internet():
        return POOL.request("GET", USER, headers=github()).status == 401


def closed() -> str:
    with internet(), contextlib.suppress(urllib3.exceptions.HTTPError):
        return f"got out: {POOL.request('GET', USER, headers=github()).status}"
    POOL.request("GET", USER, headers=github())
    return ""


tell(urllib3.__version__, os.environ["GITHUB_TOKEN"], around=around, closed=closed)
