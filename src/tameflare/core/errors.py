"""Expected faults that a person can mend; each says what to do next."""

from __future__ import annotations


class TameFlareError(Exception):
    """A fault with a sentence for people.

    `message` is one line, lower case, without a full stop, with user input in backticks; `help` says what to do next.
    """

    code = "error"

    def __init__(self, message: str, help: str = "", *, code: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.message = message
        self.help = help
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message}; {self.help}" if self.help else self.message


class InvalidValue(TameFlareError):
    """User input that cannot be accepted."""

    code = "invalid_value"


class SettingError(TameFlareError):
    """A setting with a wrong value; stops the start."""

    code = "setting_invalid"
