"""The gateways that clients are governed by: for each vendor something allowed, something denied, something asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Rules = tuple[tuple[str, str], ...]
GOOGLE: Final = "generativelanguage.googleapis.com"
STS: Final = "sts.us-east-1.amazonaws.com"
BUCKET: Final = "demo-bucket.s3.amazonaws.com"
MCP: Final = "tools.example"
INDEX: Final = "pypi.org"
MIRROR: Final = "mirror.example"
WHEELS: Final = "files.pythonhosted.org"
LFS: Final = "ghe.example"
OBJECTS: Final = "objects.example"
NPM: Final = "registry.npmjs.org"


@dataclass(frozen=True)
class Governed:
    """A connector of a gateway: its rules (pattern, decision), and what else the API is told of it."""

    rules: Rules
    options: Mapping[str, Any] = field(default_factory=dict)


_MATRIX: Final = {
    "github": Governed(
        (
            ("github.*", "allow"),
            ("github.pr.merge", "deny"),
            ("github.repo.push", "deny"),
            ("github.issue.create", "require_approval"),
        )
    ),
    "openai": Governed(
        (
            ("openai.*", "allow"),
            ("openai.model.delete", "deny"),
            ("openai.response.create", "deny"),
            ("openai.embedding.create", "require_approval"),
        )
    ),
    "anthropic": Governed(
        (
            ("anthropic.message.create", "allow"),
            ("anthropic.model.list", "deny"),
            ("anthropic.message.count_tokens", "deny"),
            ("anthropic.file.delete", "require_approval"),
        )
    ),
    "stripe": Governed(
        (
            ("stripe.*", "allow"),
            ("stripe.refund.create", "deny"),
            ("stripe.customer.create", "require_approval"),
        )
    ),
    "slack": Governed(
        (
            ("slack.*", "allow"),
            ("slack.channel.archive", "deny"),
            ("slack.message.send", "require_approval"),
        )
    ),
    "tools": Governed(
        (
            ("mcp.*", "allow"),
            ("mcp.tools.delete_repo", "deny"),
            ("mcp.tools.publish", "require_approval"),
        ),
        {"type": "mcp", "domains": [MCP], "auth": "bearer"},
    ),
    "npm": Governed(
        (("http.get", "allow"), ("http.put", "deny"), ("http.delete", "require_approval")),
        {"type": "generic", "domains": [NPM], "auth": "bearer"},
    ),
    "google": Governed(
        (("http.post", "allow"), ("http.delete", "deny"), ("http.patch", "require_approval")),
        {"type": "generic", "domains": [GOOGLE], "auth": "header", "auth_name": "x-goog-api-key"},
    ),
    "aws": Governed(
        (("http.post", "allow"), ("http.get", "allow"), ("http.delete", "deny"), ("http.put", "require_approval")),
        {"type": "generic", "domains": [STS, BUCKET], "credential": "passthrough"},
    ),
}


def _index(host: str, decision: str) -> Governed:
    return Governed((("http.get", decision),), {"type": "generic", "domains": [host], "auth": "bearer"})


_FETCH: Final = ("github.repo.fetch", "allow")
GATEWAYS: Final[dict[str, dict[str, Governed]]] = {
    "matrix": _MATRIX,
    "git": {"github": Governed((_FETCH, ("github.repo.push", "deny")))},
    "pushing": {"github": Governed((_FETCH, ("github.repo.push", "require_approval")))},
    "lfs": {
        "enterprise": Governed(
            (_FETCH, ("github.repo.push", "require_approval"), ("github.file.lock", "deny")),
            {"type": "github", "domains": [LFS]},
        ),
        "objects": Governed(
            (("http.get", "allow"), ("http.put", "allow")),
            {"type": "generic", "domains": [OBJECTS], "credential": "passthrough"},
        ),
    },
    "python": {
        "pypi": _index(INDEX, "allow"),
        "wheels": _index(WHEELS, "require_approval"),
        "mirror": _index(MIRROR, "deny"),
    },
}
