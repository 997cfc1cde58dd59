"""What request and answer bodies have in common."""

from __future__ import annotations

from typing import Annotated, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tameflare.core.decision import EnforcementLevel

T = TypeVar("T")


class Body(BaseModel):
    """A request body: unknown fields and values of another type are faults."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Answer(BaseModel):
    """An answer; may be filled from the store's structs."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Items(Answer, Generic[T]):
    """A list. `next_cursor` is null: there is no more."""

    items: list[T]
    next_cursor: str | None = None


NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
NAME_SENTENCE: Final = "Letters, digits, `.`, `_` and `-`, at most 64, beginning with a letter or digit."

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN), Field(description=NAME_SENTENCE)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
SecretText = Annotated[
    str, StringConstraints(min_length=1, max_length=16384), Field(json_schema_extra={"writeOnly": True})
]
PasswordText = Annotated[
    str, StringConstraints(min_length=1, max_length=1024), Field(json_schema_extra={"writeOnly": True})
]
Level = Annotated[EnforcementLevel, Field(strict=False)]
RatePerMinute = Annotated[int, Field(ge=1, le=1_000_000)]
