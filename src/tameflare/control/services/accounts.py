"""What the account of a new person must be, however it is made."""

from __future__ import annotations

import re
from typing import Final

from tameflare.control.services import passwords
from tameflare.control.services.faults import Fault, Invalid
from tameflare.core.errors import InvalidValue

_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")


def checked_email(given: str, password: str) -> str:
    """The e-mail in lower case. Raises Invalid with every fault of e-mail and password."""
    faults = []
    email = given.strip().lower()
    if _EMAIL.fullmatch(email) is None:
        faults.append(Fault("email", "this is no e-mail address", "write for example `ada@example.com`"))
    try:
        passwords.check(password)
    except InvalidValue as fault:
        faults.append(Fault("password", fault.message, fault.help))
    if faults:
        raise Invalid(faults)
    return email
