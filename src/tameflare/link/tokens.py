"""Our own tokens: their prefixes, how they are made and how they are kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from enum import StrEnum


class TokenKind(StrEnum):
    """The prefix of each kind of token. Each is refused in any place but its own. Keys of agents are made by
    core.agent_keys."""

    PROXY = "gwtk_"
    LINK = "gwln_"
    RUN = "tfr_"
    PERSONAL = "tfu_"
    SESSION = "tfs_"
    AGENT = "tf_live_"
    AGENT_TEST = "tf_test_"
    AGENT_FORMER = "aaf_"


def new_token(kind: TokenKind) -> str:
    """A fresh token with 256 bits of randomness."""
    return kind.value + secrets.token_urlsafe(32)


def digest(token: str, key: bytes) -> str:
    """HMAC-SHA-256 (hex): how a token is stored and looked up."""
    return hmac.new(key, token.encode(), hashlib.sha256).hexdigest()
