"""What is fuzzed, by name. A target takes any bytes; it raises where something does not hold."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.fuzz import http_targets, other_targets, policy_targets

Target = Callable[[bytes], None]

TARGETS: Final[dict[str, Target]] = {
    "request_head": http_targets.request_head,
    "response_head": http_targets.response_head,
    "chunked": http_targets.chunked,
    "answer": http_targets.answer,
    "first_bytes": other_targets.first_bytes,
    "client_hello": other_targets.client_hello,
    "tls": other_targets.tls,
    "mutated_handshake": other_targets.mutated_handshake,
    "where": other_targets.where,
    "policy": policy_targets.policy,
}
CORPUS: Final = Path(__file__).parent / "corpus"
SLOWEST: Final = 2.0  # seconds of processor for one input, on a busy machine


def corpus(name: str) -> dict[str, bytes]:
    """The kept inputs of a target by their file names; what once failed begins with `crash-`."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / name).glob("*-*"))}


def failure(name: str, data: bytes) -> str:
    """What does not hold for this input, with where; empty where all does."""
    began = time.process_time()
    try:
        TARGETS[name](data)
    except Exception:  # noqa: BLE001 - whatever a target raises is what is looked for
        return traceback.format_exc()
    took = time.process_time() - began
    return f"took {took:.1f} s of processor" if took > SLOWEST else ""
