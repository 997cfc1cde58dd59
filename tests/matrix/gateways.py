"""The gateways that clients are governed by: for each vendor something allowed, something denied, something asked."""

from __future__ import annotations

from typing import Final

Rules = tuple[tuple[str, str], ...]

GATEWAYS: Final[dict[str, dict[str, Rules]]] = {
    "matrix": {
        "github": (
            ("github.*", "allow"),
            ("github.pr.merge", "deny"),
            ("github.repo.push", "deny"),
            ("github.issue.create", "require_approval"),
        ),
        "openai": (
            ("openai.*", "allow"),
            ("openai.model.delete", "deny"),
            ("openai.embedding.create", "require_approval"),
        ),
        "anthropic": (
            ("anthropic.message.create", "allow"),
            ("anthropic.model.list", "deny"),
            ("anthropic.file.delete", "require_approval"),
        ),
        "stripe": (
            ("stripe.*", "allow"),
            ("stripe.refund.create", "deny"),
            ("stripe.customer.create", "require_approval"),
        ),
        "slack": (
            ("slack.*", "allow"),
            ("slack.channel.archive", "deny"),
            ("slack.message.send", "require_approval"),
        ),
    },
}
