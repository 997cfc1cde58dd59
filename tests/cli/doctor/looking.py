"""What `tf doctor` found amiss, by check."""

from __future__ import annotations

from collections.abc import Callable

from tests.cli.conftest import Ended

Tf = Callable[..., Ended]


Found = dict[str, list[dict[str, str]]]


def says(found: list[dict[str, str]], finding: str, mend: str = "") -> bool:
    return any(finding in each["finding"] and mend in each["help"] for each in found)
