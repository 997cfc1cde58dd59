"""Why an action was not carried out by the gateway."""

from __future__ import annotations

from tameflare.core.errors import TameFlareError


class NoGateway(TameFlareError):
    """Nobody is there who could send it; the token is as good as before."""

    code = "no_gateway"

    def __init__(self) -> None:
        super().__init__("no proxy that serves this gateway is connected", "check that one runs: `tf status`")


class AlreadyCarriedOut(TameFlareError):
    """Another call has it in hand."""

    code = "already_executing"

    def __init__(self) -> None:
        super().__init__("the action is being carried out already", "ask how it stands: GET /api/v1/actions/{id}")


class NotExecutable(TameFlareError):
    """An action that no request stands for."""

    code = "not_executable"

    def __init__(self, action_type: str) -> None:
        super().__init__(
            f"the gateway has no connector that carries out `{action_type}`",
            "do it yourself, and have the token verified where it is done",
        )


class RefusedAtGateway(TameFlareError):
    """The proxy judged it again, and would not send it; the token is as good as before. The code is a reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, "nothing was sent", code=reason)
