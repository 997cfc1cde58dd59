"""The official MCP clients and servers, unchanged, with TameFlare between them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.mcp import running
from tests.support.mcp.running import DOCUMENTED, KEY, NODE_CLIENT, PYTHON_CLIENT, Installed, host

ALLOWED = ("mcp.tools.search_issues", "mcp.tools.build_report", "mcp.tools.ask_user", "mcp.rpc.response")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "mcp.md"
LISTED = """
import asyncio, json, sys
from mcp import Client
async def main():
    try:
        async with Client(sys.argv[1]) as client:
            return [tool.name for tool in (await client.list_tools()).tools]
    except ExceptionGroup as faults:
        return repr(faults)
print(json.dumps(asyncio.run(main())))
"""
OLD, NEW = "legacy", "auto"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    assert running.NODE_PARTS.exists(), "run `make test`, which installs the TypeScript SDK"
    with running.installed(tmp_path_factory.mktemp("mcp")) as made:
        for name in running.SERVERS:
            for action in ALLOWED:
                made.tf("permissions", "set", name, action, "allow")
        made.tf("permissions", "set", "python", "mcp.tools.delete_repo", "deny")
        yield made


def url(name: str) -> str:
    return f"https://{host(name)}/mcp"


def check(installed: Installed, name: str, told: dict[str, Any], parts: tuple[str, ...]) -> None:
    """What the client was told, and what reached the server."""
    assert told["tools"] == ["ask_user", "build_report", "search_issues"]
    assert (told["found"], told["again"]) == ("found bug", "found more")
    assert told.get("report") == ("done" if "report" in parts else None)
    assert told["steps"] == ([1, 2, 3] if "report" in parts else [])
    assert told.get("asked") == ("accept" if "ask" in parts else None)
    denied, data = told["denied"], told["denied"]["data"]
    assert denied["code"] == 403
    assert "`mcp.tools.delete_repo`" in denied["message"]
    assert (data["action"], data["reason"]) == ("mcp.tools.delete_repo", "rule_deny" if name == "python" else "no_rule")
    assert data["request_id"]
    lines = installed.servers[name].lines()
    assert "call search_issues bug" in lines
    assert not [line for line in lines if "delete_repo" in line]
    assert {line for line in lines if not line.startswith("call ")} <= {f"{m} Bearer {KEY}" for m in METHODS}
    installed.recorded(name, "mcp.tools.delete_repo", "deny")


METHODS = ("POST", "GET", "DELETE")


@pytest.mark.parametrize(
    ("name", "mode", "parts"),
    [
        ("python", OLD, ("report", "ask")),
        ("python", NEW, ("report",)),
        ("python-json", OLD, ()),
        ("python-json", NEW, ()),
        ("typescript", NEW, ("report", "ask")),
        ("typescript-json", OLD, ()),
    ],
)
def test_python_client(installed: Installed, name: str, mode: str, parts: tuple[str, ...]) -> None:
    check(installed, name, installed.told(*PYTHON_CLIENT, url(name), mode, *parts), parts)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("python", ("report", "ask")), ("python-json", ()), ("typescript", ("report", "ask")), ("typescript-json", ())],
)
def test_typescript_client(installed: Installed, name: str, parts: tuple[str, ...]) -> None:
    told = installed.told(*NODE_CLIENT, url(name), *parts)
    check(installed, name, told, parts)
    assert told["denied"]["kind"] == "McpError"
    installed.recorded(name, "mcp.session.close", "allow")


RESUMED = """
import json, os, sys, httpx
url, accept = sys.argv[1], {"Accept": "application/json, text/event-stream"}
def post(method, params, **headers):
    message = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
    return client.post(url, json=message, headers=accept | headers)
with httpx.Client(timeout=20) as client:
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    session = {"Mcp-Session-Id": post("initialize", about).headers["mcp-session-id"]}
    session["MCP-Protocol-Version"] = "2025-11-25"
    client.post(url, json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=accept | session)
    first = post("tools/list", {}, **session).text.splitlines()
    last = next(line for line in first if line.startswith("id:"))[3:].strip()
    with client.stream("GET", url, headers={"Accept": "text/event-stream", "Last-Event-ID": last} | session) as again:
        for line in again.iter_lines():
            if '"tools"' in line:
                break
    tools = json.loads(line.partition("data:")[2])["result"]["tools"]
    print(json.dumps([last, [tool["name"] for tool in tools]]))
"""


def test_a_list_in_a_stream_that_is_taken_up_again_is_filtered_too(installed: Installed) -> None:
    last, tools = installed.told(running.sys.executable, "-c", RESUMED, url("python"))
    assert last
    assert sorted(tools) == ["ask_user", "build_report", "search_issues"]


def test_without_a_rule_nothing_but_the_protocol_itself_is_allowed(installed: Installed) -> None:
    """The preset `read-only` lets a client connect and read; each tool is a rule of its own."""
    refused = "import httpx,json;print(json.dumps([httpx.post(%r,json=m).status_code for m in %r]))"
    asked = [
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "repo.read"}},
        {"jsonrpc": "2.0", "id": 1, "method": "vendor/wipe"},
        [{"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"jsonrpc": "2.0", "id": 2, "method": "vendor/wipe"}],
    ]
    told = installed.told(running.sys.executable, "-c", refused % (url("python"), asked))
    assert told == [403, 403, 403]
    installed.recorded("python", "mcp.tools.repo_x002e_read", "deny")


@pytest.mark.parametrize("name", ["python", "typescript-json"])
def test_a_connector_is_tested_by_a_session_of_its_own(installed: Installed, name: str) -> None:
    assert "allowed, the upstream answered 200" in installed.tf("connector", "test", name)
    installed.recorded(name, "mcp.session.close", "allow")


def test_the_commands_of_the_documentation(installed: Installed) -> None:
    start, elsewhere = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    run_all(installed, start)
    address = f"https://{DOCUMENTED}/mcp"
    assert installed.told(running.sys.executable, "-c", LISTED, address) == ["search_issues"]
    run_all(installed, elsewhere)
    assert "`mcp.unknown.post`" in installed.told(running.sys.executable, "-c", LISTED, address)


def run_all(installed: Installed, commands: str) -> None:
    for line in commands.splitlines():
        words = shlex.split(line)[1:]
        if words[:2] == ["connector", "add"]:
            installed.tf(*words, "--secret-stdin", typed=KEY)
        else:
            installed.tf(*words)
