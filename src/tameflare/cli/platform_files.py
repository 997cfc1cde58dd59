"""The files of each platform: what stands in them now, and what should."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from tameflare.cli.changes import Change, read
from tameflare.cli.mcp_servers import through
from tameflare.cli.output import clean, note
from tameflare.cli.project import Project
from tameflare.core.errors import InvalidValue

_CLAUDE: Final[dict[str, Any]] = {
    "env": {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
    "permissions": {"deny": ["Read(./.tf/**)", "Read(~/.config/tameflare/**)", "Bash(tf:*)"]},
}
_OVERRULING: Final = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "NO_PROXY", "NODE_EXTRA_CA_CERTS")
_OVERRULING_KEYS: Final = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL")
_CODEX_HEAD: Final = 'model_provider = "tameflare"\n'
_CODEX_TABLE: Final = """
[model_providers.tameflare]
name = "OpenAI through TameFlare"
base_url = "https://api.openai.com/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
supports_websockets = false
"""
_LANGCHAIN: Final = '''"""One question to the model, through TameFlare: `tf run -- python .tf/langchain_check.py`."""

from langchain_openai import ChatOpenAI

print(ChatOpenAI(model="gpt-4o-mini").invoke("Say hello.").content)
'''


def changes(platform: str, here: Project, folder: Path, file: Path | None) -> list[Change]:
    """What is to be written for the platform beside `folder`, the `.tf` of the project `here`.

    Raises InvalidValue for a file of the user's that cannot be read.
    """
    return _MADE[platform](here, folder, file)


def _claude_code(here: Project, folder: Path, file: Path | None) -> list[Change]:  # noqa: ARG001 - all are called alike
    path = file or folder.parent / ".claude" / "settings.local.json"
    before, found = _json(path)
    for name in (*_OVERRULING, *_OVERRULING_KEYS):
        if name in found.get("env", {}):
            note(f"warning: {name} in `env` of {path} stands before what `tf run` sets; take it out")
    return [Change(path, before, _dumped(merged(found, _CLAUDE)))]


def _openai(here: Project, folder: Path, file: Path | None) -> list[Change]:  # noqa: ARG001
    path = file or folder.parent / ".codex" / "config.toml"
    before = read(path)
    try:
        found = tomllib.loads(before or "")
    except tomllib.TOMLDecodeError as fault:
        raise InvalidValue(f"`{path}` is not TOML: {fault}", "mend it first") from None
    head = "" if "model_provider" in found else _CODEX_HEAD
    table = "" if "tameflare" in found.get("model_providers", {}) else _CODEX_TABLE
    other = found.get("model_provider")
    if other not in (None, "tameflare"):
        note(f"{path} has the provider `{clean(other)}`; to take ours: `codex -c model_provider=tameflare`")
    ignored = path.with_name(".gitignore")  # as Codex's home, the folder gets log-ins and sessions
    secret = [] if ignored.exists() else [Change(ignored, None, "*\n")]
    return [Change(path, before, head + (before or "") + table), *secret]


def _langchain(here: Project, folder: Path, file: Path | None) -> list[Change]:  # noqa: ARG001
    path = file or folder / "langchain_check.py"
    return [Change(path, read(path), _LANGCHAIN)]


def _mcp(here: Project, folder: Path, file: Path | None) -> list[Change]:  # noqa: ARG001
    path = file or folder.parent / ".mcp.json"
    before, found = _json(path)
    servers = found.get("mcpServers")
    if not isinstance(servers, dict) or not servers:
        note(f"{path} names no servers yet; when it does, run this again")
        return []
    wrapped = {name: through(name, server, folder.parent) for name, server in servers.items()}
    return [Change(path, before, _dumped(found | {"mcpServers": wrapped}) if wrapped != servers else str(before))]


def _n8n(here: Project, folder: Path, file: Path | None) -> list[Change]:
    path = file or folder / "n8n.env"
    parts = urlsplit(here.proxy)
    url = f"{parts.scheme}://n8n:{quote(here.token.reveal(), safe='')}@{parts.netloc}"
    variables = {
        "HTTP_PROXY": url,
        "HTTPS_PROXY": url,
        "NO_PROXY": "localhost,127.0.0.1",
        "NODE_EXTRA_CA_CERTS": "/tameflare-ca.pem",
        "N8N_BLOCK_ENV_ACCESS_IN_NODE": "true",
        "N8N_DIAGNOSTICS_ENABLED": "false",
        "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
        "N8N_TEMPLATES_ENABLED": "false",
    }
    text = "".join(f"{name}={value}\n" for name, value in variables.items())
    return [Change(path, read(path), text, private=True)]


def merged(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """`found` with what `wanted` has beyond it: objects are merged, lists get what they lack, other values stay."""
    result = dict(found)
    for name, value in wanted.items():
        present = result.get(name)
        if isinstance(present, dict) and isinstance(value, dict):
            result[name] = merged(present, value)
        elif isinstance(present, list) and isinstance(value, list):
            result[name] = [*present, *(each for each in value if each not in present)]
        elif name not in result:
            result[name] = value
    return result


def _json(path: Path) -> tuple[str | None, dict[str, Any]]:
    """Text and content of a file with a JSON object; nothing where there is none."""
    before = read(path)
    try:
        found = json.loads(before) if before and before.strip() else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidValue(
            f"`{path}` is no JSON object", "mend it first; comments are not understood, nothing was changed"
        )
    return before, found


def _dumped(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


_MADE: Final[dict[str, Callable[[Project, Path, Path | None], list[Change]]]] = {
    "claude-code": _claude_code,
    "langchain": _langchain,
    "mcp": _mcp,
    "n8n": _n8n,
    "openai": _openai,
}
