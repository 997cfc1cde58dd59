"""What `tf init --platform` knows: a recipe for each platform, and the files that the platform reads."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

PLATFORMS: Final = {
    "claude-code": "Claude Code and the tools that it runs",
    "langchain": "LangChain and LangGraph in Python",
    "mcp": "MCP servers, over HTTP or started by a client over stdio",
    "n8n": "n8n as a service",
    "openai": "the OpenAI SDKs, the Agents SDK and Codex",
}
_RECIPES: Final = Path(__file__).parent / "recipes"


def recipe(platform: str, directory: str, proxy: str) -> str:
    """The recipe for `directory`, where `.tf` is, and the proxy at that URL."""
    text = (_RECIPES / f"{platform}.md").read_text(encoding="utf-8")
    return text.replace("{directory}", directory).replace("{authority}", urlsplit(proxy).netloc)
