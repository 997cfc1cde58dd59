"""Recipes of `tf init --platform`: what each platform needs so that its traffic goes through TameFlare."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

PLATFORMS: Final = {
    "claude-code": "Claude Code and the tools that it runs",
    "langchain": "LangChain and LangGraph in Python",
    "mcp": "an MCP server that a client starts over stdio",
    "n8n": "n8n, with npx or in Docker",
    "openai": "the OpenAI SDKs and the Agents SDK",
}

_CLAUDE_CODE: Final = """# Claude Code through TameFlare

1. Let it reach its model, either with a key of the gateway's or with Claude Code's own log-in:

       tf connector add anthropic --preset allow-all                            # asks for the API key
       tf connector add anthropic --preset allow-all --credential passthrough   # subscription log-in

2. Let it reach what it works on, for example GitHub, and package mirrors without decrypting them:

       tf connector add github --preset read-only
       tf permissions set github 'github.pr.create' allow
       tf connector add tunnel --name packages --domain packages.example.com --preset allow-all

3. Start it:

       cd {directory}
       CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 tf run --name claude-code -- claude

Every command that Claude Code runs (git, gh, npm, curl, pip) inherits the proxy and is judged too. Hosts without a
connector are refused; `tf logs -f --decision deny` shows which ones it asks for. Do not put the proxy's URL into
`.claude/settings.json`: the run token in it ends with the run.
"""

_LANGCHAIN: Final = """# LangChain through TameFlare

1. One connector per provider and per tool that the chains call:

       tf connector add openai --preset allow-all
       tf connector add generic --name search --domain api.tavily.com --auth bearer --preset allow-all

2. Start the program as it is:

       cd {directory}
       tf run --name langchain -- python app.py

`ChatOpenAI()` and `ChatAnthropic()` read their key from the environment, where `tf run` puts a placeholder, and use
httpx, which takes proxy and certificates from the environment. A tool that uses aiohttp needs
`aiohttp.ClientSession(trust_env=True)`. For providers that read another variable give any text as the key: the gateway
removes it and puts in its own credential.
"""

_MCP: Final = """# An MCP server through TameFlare

For a server that a client reaches over HTTP, each tool is an action, and lists show only the tools that are allowed:

       tf connector add mcp --name tracker --domain mcp.tracker.example --preset read-only     # asks for the token
       tf permissions set tracker mcp.tools.search_issues allow
       tf run -- python agent.py

For a server that a client starts over stdio, and that then calls an API by itself:

1. A connector for the API that the server calls:

       tf connector add github --preset read-only

2. In the client's configuration (`claude_desktop_config.json`, `.mcp.json`, `mcp.json`) put `tf run` before the
   server's own command; stdin and stdout pass through untouched:

       {{
         "mcpServers": {{
           "github": {{
             "command": "tf",
             "args": ["run", "--quiet", "--project", "{directory}", "--name", "mcp-github", "--",
                      "npx", "-y", "@modelcontextprotocol/server-github"]
           }}
         }}
       }}

`GITHUB_TOKEN` in the server's environment is a placeholder. A server that reads another variable
(`GITHUB_PERSONAL_ACCESS_TOKEN`) may be given any text there: the gateway removes it and puts in its own credential.
Node servers need Node 22.21 or 24 and newer, which take the proxy from the environment.
"""

_N8N: Final = """# n8n through TameFlare

1. One connector per service that the workflows call:

       tf connector add openai --preset allow-all
       tf connector add slack --preset read-only

2. In n8n's credentials enter a placeholder instead of each key, for example
   `sk-tameflare_openai_placeholder` for a connector named `openai`.

3. With npx:

       cd {directory}
       tf run --name n8n -- npx n8n start

   With Docker a token that outlives one run is needed. `tf init --new-token` makes a proxy token; make the agent with
   `tf agents add n8n`, and give the container the agent's name, the token and the certificate:

       docker run --network host \\
         -e HTTP_PROXY=http://n8n:$TOKEN@{authority} -e HTTPS_PROXY=http://n8n:$TOKEN@{authority} \\
         -e NODE_EXTRA_CA_CERTS=/ca.pem -v {directory}/.tf/ca.pem:/ca.pem:ro n8nio/n8n

   `$TOKEN` is `gateway_token` in `.tf/config.yaml`. Whoever can read the container's environment can act as this
   gateway's agents; give n8n a gateway of its own.
"""

_OPENAI: Final = """# OpenAI's SDKs through TameFlare

1. The connector:

       tf connector add openai --preset allow-all

   or narrower, chat only:

       tf connector add openai
       tf permissions set openai 'openai.chat.*' allow

2. Start the program as it is:

       cd {directory}
       tf run --name assistant -- python app.py

The Python SDK reads `OPENAI_API_KEY`, which holds a placeholder, and uses httpx, which takes proxy and certificates
from the environment; streaming works unchanged. The Node SDK needs Node 22.21 or 24 and newer, for which `tf run` sets
`NODE_USE_ENV_PROXY=1`. For another host with the same API add
`tf connector add openai --name azure --domain NAME.openai.azure.com --auth header --auth-name api-key`.
Tools that agents call (the Agents SDK's function tools) are judged when they reach for the network.
"""

_RECIPES: Final = {
    "claude-code": _CLAUDE_CODE,
    "langchain": _LANGCHAIN,
    "mcp": _MCP,
    "n8n": _N8N,
    "openai": _OPENAI,
}


def recipe(platform: str, directory: str, proxy: str) -> str:
    """The recipe for `directory`, where `.tf` is, and the proxy at that URL."""
    return _RECIPES[platform].format(directory=directory, authority=urlsplit(proxy).netloc)
