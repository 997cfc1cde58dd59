"""What a pattern matches, and what is refused as a pattern."""

from __future__ import annotations

import pytest

from tameflare.core.access import parse_pattern
from tameflare.core.errors import InvalidValue

MATCHES = [
    # pattern, action type, whether it matches
    ("github.pr.merge", "github.pr.merge", True),
    ("github.pr.merge", "github.pr.merged", False),
    ("github.pr.merge", "GitHub.pr.merge", False),
    ("github.pr.*", "github.pr.merge", True),
    ("github.pr.*", "github.pr.review.dismiss", True),
    ("github.pr.*", "github.pr", False),
    ("github.*", "github.pr.merge", True),
    ("github.*.get", "github.repo.get", True),
    ("github.*.get", "github.repo.file.get", False),
    ("github.*.get", "github..get", False),
    ("github.pr.cre*", "github.pr.create", True),
    ("github.pr.cre*", "github.pr.cre", True),
    ("github.pr.cre*", "github.pr.create.draft", False),
    ("github.pr.*ate", "github.pr.update", True),
    ("*.pr.merge", "github.pr.merge", True),
    ("*", "github.pr.merge", True),
    ("**", "github.pr.merge", True),
    # a route that no table names needs to be named as unknown
    ("**", "github.unknown.post", True),
    ("*", "github.unknown.post", False),
    ("github.*", "github.unknown.post", False),
    ("github.*.post", "github.unknown.post", False),
    ("github.unk*.post", "github.unknown.post", False),
    ("github.unknown.post", "github.unknown.post", True),
    ("github.unknown.*", "github.unknown.post", True),
    ("*.unknown.*", "github.unknown.post", True),
]


@pytest.mark.parametrize(("pattern", "action_type", "expected"), MATCHES)
def test_a_pattern_matches(pattern: str, action_type: str, expected: bool) -> None:
    assert parse_pattern(pattern).matches(action_type) is expected


FAULTS = [
    ("", "has an empty segment"),
    ("github.", "has an empty segment"),
    (".pr", "has an empty segment"),
    ("github..merge", "has an empty segment"),
    ("github.**", "`**` stands alone"),
    ("github.**.merge", "`**` stands alone"),
    ("github.pr merge", "outside letters"),
    ("github.pr.merge\n", "outside letters"),
    ("github.[ab].merge", "outside letters"),
    ("github.pr.mergé", "outside letters"),
    ("github/pr", "outside letters"),
]


@pytest.mark.parametrize(("pattern", "message"), FAULTS)
def test_a_malformed_pattern_is_refused_with_what_to_write(pattern: str, message: str) -> None:
    with pytest.raises(InvalidValue, match=message.replace("*", r"\*")) as fault:
        parse_pattern(pattern)
    assert f"`{pattern}`" in fault.value.message


FROM_MOST_TO_LEAST_SPECIFIC = [
    "github.pr.merge",
    "github.pr.merg*",
    "github.pr.m*",
    "github.pr.*e",
    "github.pr.*",
    "github.p*.merge",
    "github.*.merge",
    "github.*",
    "*.pr.merge",
    "*",
    "**",
]


def test_patterns_are_ordered_by_how_much_they_say() -> None:
    shuffled = sorted(FROM_MOST_TO_LEAST_SPECIFIC)
    assert (
        sorted(shuffled, key=lambda text: parse_pattern(text).specificity, reverse=True) == FROM_MOST_TO_LEAST_SPECIFIC
    )


def test_every_pattern_of_the_order_matches_the_same_action() -> None:
    assert all(parse_pattern(pattern).matches("github.pr.merge") for pattern in FROM_MOST_TO_LEAST_SPECIFIC)
