"""The kill switch: refuses with its own header, cuts what is under way within a second, and lets go again."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.product import Governed

CUT_SECONDS = 1.5
TALK = """
import openai
stream = openai.OpenAI(max_retries=0).chat.completions.create(
    model="gpt-slow", messages=[{"role": "user", "content": "hi"}], stream=True)
try:
    for chunk in stream:
        print("word", flush=True)
except Exception as fault:
    print(type(fault).__name__)
else:
    print("whole")
"""


@contextmanager
def thrown(governed: Governed, scope: str) -> Iterator[None]:
    governed.product.kill_switch(active=True, scope=scope)
    try:
        yield
    finally:
        governed.product.kill_switch(active=False, scope=scope)


def status(governed: Governed, url: str) -> tuple[int, dict[str, str]]:
    told = governed.python(f"""
        import json, requests
        answer = requests.get("{url}", timeout=20)
        print(json.dumps([answer.status_code, {{name.lower(): value for name, value in answer.headers.items()}}]))
    """)
    return told[0], told[1]


def test_everything(governed: Governed) -> None:
    with thrown(governed, "all"), governed.upstream("api.github.com") as reached:
        code, headers = status(governed, "https://api.github.com/user")
    assert (code, headers["x-tameflare-kill-switch"]) == (403, "active")
    assert reached() == []
    assert status(governed, "https://api.github.com/user")[0] == 200


def test_one_connector(governed: Governed) -> None:
    with thrown(governed, "connector:github"):
        assert status(governed, "https://api.github.com/user")[0] == 403
        assert status(governed, "https://api.openai.com/v1/models")[0] == 200


def test_what_is_under_way_is_cut(governed: Governed) -> None:
    command, environment = governed.product.tf_run([sys.executable, "-c", TALK]), governed.product.environment()
    with subprocess.Popen(
        command, env=environment, cwd=governed.product.project, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "word\n"
        with thrown(governed, "connector:openai"):
            began = time.monotonic()
            last = process.stdout.read().split()[-1]
            assert time.monotonic() - began < CUT_SECONDS
    assert last.endswith("Error")
