"""httpx2, as its documentation uses it."""

from __future__ import annotations

import os

import httpx2
from telling import CHAT, CLIENT, ISSUES, MERGE, STREAMED, USER, WORDS, github, joined, openai, tell


def allowed() -> bool:
    return httpx2.get(USER, headers=github(), timeout=20).json()["login"] == "octo-demo"


def denied() -> None:
    httpx2.put(MERGE, headers=github(), timeout=20).raise_for_status()


def held() -> bool:
    return httpx2.post(ISSUES, headers=github(), json={"title": CLIENT}, timeout=60).json()["title"] == CLIENT


def stream() -> bool:
    with httpx2.stream("POST", CHAT, headers=openai(), json=STREAMED, timeout=20) as answer:
        return joined(answer.iter_lines()) == WORDS


tell(httpx2.__version__, os.environ["GITHUB_TOKEN"], allowed=allowed, denied=denied, held=held, stream=stream)
