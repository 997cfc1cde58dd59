"""An agent that turns on TameFlare: `python -m tests.support.attack FACTS`, one JSON line for each attempt."""

from __future__ import annotations

import json
import sys

from tests.support.attack import changes, doors, processes, reading
from tests.support.attack.target import Attempt, Target

ATTEMPTS: dict[str, Attempt] = {
    **reading.ATTEMPTS, **processes.ATTEMPTS, **doors.ATTEMPTS, **changes.ATTEMPTS
}  # fmt: skip


def main(facts: str) -> None:
    target = Target.parse(facts)
    for name, attempt in ATTEMPTS.items():
        found = attempt(target)
        sys.stdout.write(json.dumps({"attempt": name, "verdict": found.verdict, "detail": found.detail}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
