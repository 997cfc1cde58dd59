"""requests, as its documentation uses it."""

from __future__ import annotations

import os

import requests
from telling import CHAT, CLIENT, ISSUES, MERGE, STREAMED, USER, WORDS, github, joined, openai, tell


def allowed() -> bool:
    return requests.get(USER, headers=github(), timeout=20).json()["login"] == "octo-demo"


def denied() -> None:
    requests.put(MERGE, headers=github(), timeout=20).raise_for_status()


def held() -> bool:
    return requests.post(ISSUES, headers=github(), json={"title": CLIENT}, timeout=60).json()["title"] == CLIENT


def stream() -> bool:
    with requests.post(CHAT, headers=openai(), json=STREAMED, stream=True, timeout=20) as answer:
        return joined(answer.iter_lines()) == WORDS


tell(requests.__version__, os.environ["GITHUB_TOKEN"], allowed=allowed, denied=denied, held=held, stream=stream)
