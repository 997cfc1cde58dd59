"""Tokens of ours: shape, randomness, digest."""

from __future__ import annotations

import pytest

from tameflare.link.tokens import TokenKind, digest, new_token


@pytest.mark.parametrize("kind", TokenKind)
def test_a_token_tells_its_kind_and_is_long(kind: TokenKind) -> None:
    token = new_token(kind)
    assert token.startswith(kind.value)
    assert len(token) - len(kind.value) == 43
    assert new_token(kind) != token


def test_no_prefix_begins_another() -> None:
    prefixes = [kind.value for kind in TokenKind]
    assert not [(one, other) for one in prefixes for other in prefixes if one is not other and other.startswith(one)]


def test_a_digest_depends_on_token_and_key_and_shows_neither() -> None:
    assert digest("a", b"k") == digest("a", b"k")
    assert len({digest("a", b"k"), digest("b", b"k"), digest("a", b"l")}) == 3
    assert "secret" not in digest("secret", b"k")
    assert len(digest("a", b"k")) == 64
