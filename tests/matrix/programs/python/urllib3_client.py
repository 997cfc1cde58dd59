"""urllib3 with the proxy that it is told of, as its documentation says: it reads no variables by itself."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import urllib3
from telling import CHAT, CLIENT, ISSUES, MERGE, STREAMED, USER, WORDS, github, joined, openai, tell

PROXY = urlsplit(os.environ["HTTPS_PROXY"])
SIGNED = urllib3.make_headers(proxy_basic_auth=f"{PROXY.username}:{PROXY.password}")
POOL = urllib3.ProxyManager(PROXY.geturl(), proxy_headers=SIGNED, timeout=60)


def allowed() -> bool:
    return POOL.request("GET", USER, headers=github()).json()["login"] == "octo-demo"


def denied() -> str:
    answer = POOL.request("PUT", MERGE, headers=github())
    return f"{answer.status} {answer.reason}"


def held() -> bool:
    return POOL.request("POST", ISSUES, headers=github(), json={"title": CLIENT}).json()["title"] == CLIENT


def stream() -> bool:
    answer = POOL.request("POST", CHAT, headers=openai(), json=STREAMED, preload_content=False)
    return joined(answer) == WORDS


tell(urllib3.__version__, os.environ["GITHUB_TOKEN"], allowed=allowed, denied=denied, held=held, stream=stream)
