"""The recipes of `tf init --platform`, as far as they can be tried without the internet."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from tests.support import doubles, product
from tests.support.product import Governed

from tameflare.demo.doubles.events import event, stream_answer
from tameflare.demo.doubles.openai import OpenAI
from tameflare.demo.doubles.web import Answer, Request
from tameflare.demo.product import tf

HELLO = "Hello from the double."


def prepared(governed: Governed, platform: str, *options: str) -> list[Path]:
    """`tf init --platform` in the project's folder; the files that it wrote."""
    done = subprocess.run(
        [*tf(), "init", "--platform", platform, "--yes", "--json", *options],
        env=governed.product.environment(),
        cwd=governed.product.project,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [Path(file["path"]) for file in json.loads(done.stdout)["files"]]


def test_langchain(governed: Governed) -> None:
    program = prepared(governed, "langchain")[0]
    done = governed.run(sys.executable, str(program))
    assert (done.returncode, done.stdout) == (0, f"{HELLO}\n"), done.stderr


SERVER = """
import os, httpx
from mcp.server import MCPServer

server = MCPServer("look")

@server.tool()
def who() -> str:
    token = os.environ["GITHUB_TOKEN"]
    answer = httpx.get("https://api.github.com/user", headers={"Authorization": f"token {token}"})
    return f"{os.environ['GREETING']} {answer.status_code} {token}"

server.run("stdio")
"""
CLIENT = """
import asyncio, json, os, sys
from mcp import ClientSession, StdioServerParameters, stdio_client

async def main():
    entry = json.load(open(sys.argv[1]))["mcpServers"]["look"]
    parameters = StdioServerParameters(command=entry["command"], args=entry["args"], env={**os.environ, **entry["env"]})
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        print((await session.call_tool("who", {})).content[0].text)

asyncio.run(main())
"""


def test_an_mcp_server_that_a_client_starts(governed: Governed, tmp_path: Path) -> None:
    server, file = tmp_path / "server.py", tmp_path / "mcp.json"
    server.write_text(SERVER)
    environment = governed.product.environment() | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    entry = {"command": sys.executable, "args": [str(server)], "env": {"GREETING": "hello"}}
    file.write_text(json.dumps({"mcpServers": {"look": entry}}))
    governed.product.api("POST", f"/api/dashboard/gateways/{product.GATEWAY}/agents", {"name": "mcp-look"})
    prepared(governed, "mcp", "--file", str(file))
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, str(file)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "hello 200 ghp_tameflare_github_placeholder\n", done.stderr
    row = governed.record(lambda row: row["agent"] == "mcp-look")
    assert (row["decision"], row["action"]) == ("allow", "github.user.get")


def test_the_environment_of_a_service(governed: Governed) -> None:
    governed.product.api("POST", f"/api/dashboard/gateways/{product.GATEWAY}/agents", {"name": "n8n"})
    variables = dict(line.split("=", 1) for line in prepared(governed, "n8n")[0].read_text().splitlines())
    certificate = governed.product.project / ".tf" / "ca.pem"
    certificate.write_bytes(fetched(f"{governed.product.proxy}/ca.pem"))
    done = subprocess.run(
        ["curl", "-sS", "--cacert", str(certificate), "https://api.openai.com/v1/models"],
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert json.loads(done.stdout)["object"] == "list", done.stderr
    assert governed.record(lambda row: row["agent"] == "n8n")["action"] == "openai.model.list"


def fetched(url: str) -> bytes:
    import httpx

    return httpx.get(url, trust_env=False).content


class Responses(OpenAI):
    """OpenAI's newer interface, which Codex uses."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self._routes.add("POST", "/v1/responses", self._respond)

    async def _respond(self, request: Request) -> Answer:
        item = {"type": "message", "role": "assistant", "id": "m", "content": [{"type": "output_text", "text": HELLO}]}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        answer = {"id": "r", "object": "response", "output": [item], "usage": usage}
        events = (
            {"type": "response.created", "response": {"id": "r"}},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": answer},
        )
        return stream_answer([event(each, str(each["type"])) for each in events])


@pytest.fixture
def with_responses(tmp_path: Path) -> Iterator[Governed]:
    folder = tmp_path / "vendors"
    folder.mkdir()
    with (
        doubles.running(folder, lambda keys: [Responses(keys.openai)]) as vendors,
        product.installed(tmp_path / "product", vendors) as running,
    ):
        yield running


@pytest.mark.skipif(not which("codex"), reason="Codex is not installed: npm's @openai/codex is too large for each run")
def test_codex(with_responses: Governed) -> None:
    home = prepared(with_responses, "openai")[0].parent
    done = with_responses.run("codex", "exec", "--skip-git-repo-check", "say hello", env={"CODEX_HOME": str(home)})
    assert (done.returncode, done.stdout.strip()) == (0, HELLO), done.stderr
    assert "WebSocket" not in done.stderr
    assert with_responses.record(lambda row: row["action"] == "openai.response.create")["decision"] == "allow"


@pytest.mark.skipif(not which("claude"), reason="Claude Code is not installed: npm's package is too large for each run")
def test_claude_code(governed: Governed) -> None:
    prepared(governed, "claude-code")
    done = governed.run("claude", "-p", "say hello", "--model", "claude-demo")
    assert (done.returncode, done.stdout.strip()) == (0, HELLO), done.stderr
    assert governed.record(lambda row: row["action"] == "anthropic.message.create")["decision"] == "allow"
