"""The kill switch: refuses with its own header, cuts what is under way within a second, and lets go again."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from tests.support.product import GATEWAY, Governed

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


@contextmanager
def talking(governed: Governed, *options: str) -> Iterator[IO[str]]:
    """The output of a program under `tf run` that is in the middle of a streamed answer."""
    command = governed.product.tf_run([sys.executable, "-c", TALK], *options)
    with subprocess.Popen(
        command, env=governed.product.environment(), cwd=governed.product.project, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "word\n"
        yield process.stdout


def cut_short(output: IO[str]) -> bool:
    """Whether the program's stream broke within the time allowed."""
    began = time.monotonic()
    last = output.read().split()[-1]
    return last.endswith("Error") and time.monotonic() - began < CUT_SECONDS


def test_what_is_under_way_is_cut(governed: Governed) -> None:
    with talking(governed) as output, thrown(governed, "connector:openai"):
        assert cut_short(output)
    row = governed.record(lambda row: row["reason"] == "kill_switch_active" and row["status"] == 200)
    assert row["decision"] == "allow"


def test_a_suspended_agent_is_cut(governed: Governed) -> None:
    agents = f"/api/dashboard/gateways/{GATEWAY}/agents"
    governed.product.api("POST", agents, {"name": "short-lived"})
    governed.product.wait_for_configuration()
    with talking(governed, "--name", "short-lived") as output:
        governed.product.api("PATCH", f"{agents}/short-lived", {"status": "suspended"})
        assert cut_short(output)


def test_what_another_scope_stops_goes_on(governed: Governed) -> None:
    with talking(governed) as output, thrown(governed, "connector:github"):
        assert output.readline() == "word\n"


def test_what_somebody_throws_on_the_machine_itself(governed: Governed) -> None:
    product = governed.product
    with talking(governed) as output:
        thrown_here = governed.operate("kill-switch", "on", "--local", "--scope", "openai", "--reason", "local drill")
        assert (thrown_here.returncode, thrown_here.stdout) == (0, "")
        assert thrown_here.stderr == "Kill switch is active for connector:openai at this proxy\n"
        assert cut_short(output)
    try:
        assert status(governed, "https://api.openai.com/v1/models")[0] == 403
        assert status(governed, "https://api.github.com/user")[0] == 200
        shown = governed.operate("kill-switch", "status", "--local").stdout
        assert "connector:openai" in shown
        assert "local drill" in shown
        assert product.api("GET", "/api/dashboard/kill-switch")["active"] is False
    finally:
        cleared = governed.operate("kill-switch", "off", "--local", "--scope", "connector:openai")
    assert cleared.stderr == "kill switch is off for connector:openai at this proxy\n"
    assert status(governed, "https://api.openai.com/v1/models")[0] == 200
    row = governed.record(lambda row: row["reason"] == "local_kill_switch" and "local drill" in row["message"])
    assert row["action"] == "tameflare.kill_switch.on"
    assert row["matched"] == ["local_kill_switch:connector:openai"]
    assert "kill_switch.switched_locally" in product.log_text()


def test_no_proxy_here(governed: Governed) -> None:
    asked = governed.operate("kill-switch", "on", "--local", TF_DATA_DIR=str(governed.product.home))
    assert asked.returncode == 3
    assert asked.stderr.startswith(f"tf: no proxy listens at `{governed.product.home}/proxy/kill-switch.sock`")
