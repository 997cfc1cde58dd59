"""How large a policy may be. Whatever is over a limit is a fault of the policy, never a slow or failing engine."""

from __future__ import annotations

from typing import Final

from tameflare.core.policy.model import MAX_DEPTH

SOURCE: Final = 65_536  # characters of one policy
FILE: Final = 8_388_608  # characters of a file with several
NESTING: Final = 3 * MAX_DEPTH  # lists and mappings of YAML inside each other
NODES: Final = 20_000  # values, lists and mappings of YAML
FAULTS: Final = 100  # how many faults are told at once
RULES: Final = 200  # of one policy
TESTS: Final = 200  # of one rule
VALUES: Final = 1_000  # of one list
TEXT: Final = 2_000  # characters of a value to compare with, or of a description
REASON: Final = 500
PATTERN: Final = 1_000  # characters of a regular expression
PATTERNS: Final = 50  # regular expressions of one policy
STARS: Final = 3  # `*` among letters, in one pattern over action types
PATTERN_MEMORY: Final = 1 << 20  # bytes that RE2 may use for one
FIELD: Final = 200
NAME: Final = 100
NUMBER: Final = 40  # characters of a number
PRIORITY: Final = 1_000_000
RISK_SCORE: Final = 100
QUORUM: Final = 10
GROUPS: Final = 50
GROUP: Final = 64
TIMEOUT: Final = (10, 30 * 86_400)  # seconds
TOTAL_WINDOW: Final = (60, 366 * 86_400)  # seconds
