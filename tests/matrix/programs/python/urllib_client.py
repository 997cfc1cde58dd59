"""urllib.request, of the standard library."""

from __future__ import annotations

import json
import os
import platform
import urllib.request

from telling import CHAT, CLIENT, ISSUES, MERGE, STREAMED, USER, WORDS, github, joined, openai, tell

AS_JSON = {"Content-Type": "application/json"}


def allowed() -> bool:
    with urllib.request.urlopen(urllib.request.Request(USER, headers=github()), timeout=20) as answer:
        return json.load(answer)["login"] == "octo-demo"


def denied() -> None:
    urllib.request.urlopen(urllib.request.Request(MERGE, headers=github(), method="PUT"), timeout=20)


def held() -> bool:
    body = json.dumps({"title": CLIENT}).encode()
    with urllib.request.urlopen(urllib.request.Request(ISSUES, body, github() | AS_JSON), timeout=60) as answer:
        return json.load(answer)["title"] == CLIENT


def stream() -> bool:
    body = json.dumps(STREAMED).encode()
    with urllib.request.urlopen(urllib.request.Request(CHAT, body, openai() | AS_JSON), timeout=20) as answer:
        return joined(answer) == WORDS


tell(platform.python_version(), os.environ["GITHUB_TOKEN"], allowed=allowed, denied=denied, held=held, stream=stream)
