"""What is done to an upstream's answer before the agent sees it: a connector's filter, then the masking of secrets.

An `AnswerChanges` without a filter is shared by all answers of one connector and host; one with a filter belongs to one
exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from tameflare.core.changes import BodyChange
from tameflare.wire.heads import ResponseHead
from tameflare.wire.masking import Masker

MASKED: Final = "masked"
ENCODED: Final = "encoded_response"

FilterMaker = Callable[[str], BodyChange | None]
"""From the answer's Content-Type to the change of its body, None where it may pass as it is."""


class AnswerChanges(msgspec.Struct, frozen=True):
    """`masker` is None where no credential is put in. `strict`: an answer that cannot be looked into is refused."""

    masker: Masker | None
    strict: bool = False
    make_filter: FilterMaker | None = None

    def is_plain(self, head: ResponseHead) -> bool:
        """Whether only a secret in it could change this answer."""
        return self.make_filter is None and b"content-encoding" not in head.headers.layout.place

    def filter(self, head: ResponseHead) -> BodyChange | None:
        if self.make_filter is None:
            return None
        return self.make_filter(head.headers.first(b"content-type").decode("latin-1"))


def is_encoded(head: ResponseHead) -> bool:
    """Whether the body has a content coding (RFC 9110 section 8.4), so that nothing can be found in it."""
    if b"content-encoding" not in head.headers.layout.place:
        return False
    codings = b",".join(value for name, _, value in head.headers if name == b"content-encoding")
    return any(coding.strip(b" \t").lower() not in (b"", b"identity") for coding in codings.split(b","))
