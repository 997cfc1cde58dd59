"""Addresses as people see them: without the user and password that may stand in front of the host."""

from __future__ import annotations

import re
from typing import Any, Final

_CREDENTIAL: Final = re.compile(r"(?<=://)[^\s`\"]*@")


def masked(text: str) -> str:
    """`text` with `***` for what stands before the `@` of an address in it."""
    return _CREDENTIAL.sub("***@", text)


def everywhere(data: Any) -> Any:
    """The same for each text in data such as JSON has it."""
    if isinstance(data, str):
        return masked(data)
    if isinstance(data, dict):
        return {name: everywhere(value) for name, value in data.items()}
    return [everywhere(value) for value in data] if isinstance(data, list) else data
