"""Unchanged programs inside, before the whole product and vendors that are doubles."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.isolate.conftest import FAULT
from tests.support.product import RUN_TIMEOUT, Governed

from tameflare.demo.product import tf

pytestmark = pytest.mark.skipif(FAULT is not None, reason=f"no isolation here: {FAULT}")
USER = "https://api.github.com/user"
LARGE = 8 << 20
WHO = {f"GIT_{role}_{part}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}


def run(governed: Governed, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    product = governed.product
    return subprocess.run(
        [*tf(), "run", "--isolate", "--", *command],
        env={**product.environment(), "GIT_TERMINAL_PROMPT": "0", **env},
        cwd=product.project,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT,
        stdin=subprocess.DEVNULL,
    )


def well(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


PYTHON = f"""
import asyncio, json, multiprocessing, os, tempfile, httpx, requests
async def several():
    async with httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(client.get("{USER}") for _ in range(8)))
        return [answer.status_code for answer in answers]
def square(number):
    return number * number
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool, tempfile.TemporaryDirectory():
        print(json.dumps([requests.get("{USER}").json()["login"], asyncio.run(several()), pool.map(square, [1, 2, 3])]))
"""


def test_python(governed: Governed) -> None:
    program = governed.product.project / "program.py"
    program.write_text(PYTHON)
    assert json.loads(well(run(governed, sys.executable, str(program)))) == ["octo-demo", [200] * 8, [1, 4, 9]]


NODE = f"""
const {{ spawnSync }} = require("child_process"), os = require("os"), {{ Worker }} = require("worker_threads");
new Worker("1", {{ eval: true }}).on("exit", async () => {{
  const answer = await fetch("{USER}");
  console.log(JSON.stringify([answer.status, spawnSync("echo", ["child"]).stdout.toString(), os.cpus().length > 0]));
}});
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_node(governed: Governed) -> None:
    assert json.loads(well(run(governed, "node", "-e", NODE))) == [200, "child\n", True]


def test_git_clones_and_works(governed: Governed) -> None:
    target = governed.product.project / "isolated-clone"
    script = (
        f"git clone --quiet https://github.com/acme/site.git {target} && cd {target} && "
        f"head -c {LARGE} /dev/urandom > large && git add large && git commit -qm large && git log --format=%s && "
        "git push origin HEAD:main"
    )
    done = run(governed, "bash", "-c", script, **WHO)
    assert done.stdout == "large\nfirst\n", done.stderr
    assert done.returncode != 0
    assert "github.repo.push" in done.stderr
    shutil.rmtree(target)


def test_a_job_of_many_processes_and_connections(governed: Governed) -> None:
    script = (
        "seq 1 60 | xargs -P 20 -I{} sh -c 'true' && mkfifo pipe && (echo through > pipe &) && cat pipe && rm pipe && "
        f"curl -sS --parallel --parallel-max 60 --parallel-immediate --max-time 60 -w '%{{http_code}}\\n' "
        f"$(for i in $(seq 60); do echo -o /dev/null {USER}; done) | sort | uniq -c"
    )
    done = run(governed, "bash", "-c", script)
    assert [line.split() for line in well(done).splitlines()] == [["through"], ["60", "200"]]
    assert "60 allowed, 0 denied, 0 held" in done.stderr


def test_a_program_that_ignores_the_proxy_gets_nowhere(governed: Governed) -> None:
    with governed.upstream("api.github.com") as reached:
        done = run(governed, "curl", "-sS", "--max-time", "10", "--noproxy", "*", USER)
    assert done.returncode == 6
    assert reached() == []


@pytest.mark.skipif(shutil.which("java") is None, reason="needs java")
def test_java(governed: Governed) -> None:
    """By the second listener: the JDK's client cannot sign in to a proxy."""
    program = governed.product.project / "Asks.java"
    program.write_text(
        "import java.net.*; import java.net.http.*;\n"
        "public class Asks { public static void main(String[] a) throws Exception {\n"
        f'  var request = HttpRequest.newBuilder(URI.create("{USER}")).build();\n'
        "  var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());\n"
        "  System.out.println(answer.statusCode());\n"
        "} }\n"
    )
    assert well(run(governed, "java", str(program))) == "200\n"


def test_the_log_in_warning_is_not_for_isolated_runs(governed: Governed) -> None:
    folder = governed.product.home / ".config" / "tameflare"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    login = folder / "login.json"
    descriptor = os.open(login, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"server": governed.product.server, "token": "tfu_canary", "scopes": ["approve"]}, file)
    try:
        done = run(governed, "cat", str(login))
    finally:
        Path(login).unlink()
    assert "can read your log-in" not in done.stderr
    assert "canary" not in done.stdout
