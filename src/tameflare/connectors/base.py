"""What a connector is: the one interface that the proxy and the control plane know."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import ClassVar, Final, Protocol

import msgspec

from tameflare.connectors.auth import Credential, Injection, Strip
from tameflare.connectors.denials import Denial, Rendered
from tameflare.connectors.request import HttpRequest
from tameflare.core.action import Action
from tameflare.core.changes import BodyChange
from tameflare.core.config import ConnectorConfig

Allowed = Callable[[Action], bool]
"""Whether an action would not be denied outright; one that people must approve counts as allowed."""


class Classified(msgspec.Struct, frozen=True):
    """What the head of a request says.

    With `needs_body` the actions are a first reading: the connector must see the whole body and `name` decides.
    Without it they are final.
    """

    actions: tuple[Action, ...]
    needs_body: bool = False


class BodySays(Enum):
    """What a request's body adds to the parameters: nothing by the vendor's description, as a file; fields that `name`
    reads, from the whole or from its beginning; or what nobody here can read, so that nothing which depends on it can
    be decided."""

    NOTHING = "nothing"
    BEGINNING = "beginning"
    FIELDS = "fields"
    UNREADABLE = "unreadable"


class HttpCall(msgspec.Struct, frozen=True):
    """A request built from an action, before the credential is put in. `query` is encoded, without `?`. `lacks_file`:
    its body would be a file, or parts of one, which no parameters tell."""

    method: str
    host: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    body: bytes = b""
    lacks_file: bool = False


class Connector(Protocol):
    """One instance of a connector. Everything is pure: values in, values out."""

    @property
    def type(self) -> str: ...

    @property
    def config(self) -> ConnectorConfig: ...

    @property
    def domains(self) -> tuple[str, ...]:
        """Host names, or `*.` and a suffix, in lower case."""

    @property
    def is_tunnel(self) -> bool:
        """Whether the host is let through without being decrypted."""

    @property
    def strip(self) -> Strip:
        """What is removed from an agent's request before ours is put in."""

    @property
    def significant(self) -> frozenset[bytes] | None:
        """Headers that change what a request does, so that an approval is bound to them; None: all that may do so."""

    def classify(self, request: HttpRequest) -> Classified:
        """Name a request by its head. Never raises."""

    def name(self, request: HttpRequest) -> tuple[Action, ...]:
        """Name a request whose body was read. Raises Unreadable."""

    def body_says(self, request: HttpRequest) -> BodySays:
        """What the body of a request that has one adds to its parameters; asked by the head alone, and again once the
        body was read."""

    def is_enough(self, beginning: bytes) -> bool:
        """Whether `name` needs no more of a body that it reads the beginning of."""

    def rewrite(self, request: HttpRequest) -> bytes | None:
        """The body that goes on in place of the agent's, its authentication fields moved out; None: unchanged.

        Only for requests that `name` has read. Raises Unreadable.
        """

    @property
    def downloads(self) -> frozenset[str]:
        """Types of actions whose answers are files: they may come in parts and encoded."""

    @property
    def filters_responses(self) -> bool:
        """Whether `response_filter` may give back something."""

    def response_filter(
        self, request: HttpRequest, actions: tuple[Action, ...], allowed: Allowed, content_type: str
    ) -> BodyChange | None:
        """The change of the body of the answer to `request`; None: it passes. `content_type` is the answer's."""

    def preparation(self, request: HttpRequest) -> tuple[Action, ...]:
        """What a request does by itself that only prepares another one, which is judged by the same action when it
        comes; none for every other request. Asked of requests that people would have to approve, the body read.
        """

    def untold(self, request: HttpRequest) -> str:
        """What of a body the parameters that `name` found in it do not tell, in words; empty: nothing."""

    def bound_body(self, request: HttpRequest) -> bytes | None:
        """What of the body of a held request an approval is bound to; None: the body as it was received.

        Two bodies for which it is the same must do the same.
        """

    def waits_as(self, request: HttpRequest) -> frozenset[str]:
        """Names by which a later request of the same client may say that nobody waits for this one any more."""

    def calls_off(self, request: HttpRequest) -> frozenset[str]:
        """The names of held requests that, by this one, nobody waits for any more."""

    def injection(self, host: str, credential: Credential) -> Injection:
        """How the credential stands in requests to `host`; ready once, used for every request."""

    def deny(self, denial: Denial, request: HttpRequest | None = None) -> Rendered:
        """A refusal in the vendor's own error shape, our fields inside."""

    def build(self, action: Action) -> HttpCall:
        """The request that carries out an action. Raises InvalidValue where it cannot be built."""


class ReadsWhole:
    """A connector that reads no body from its beginning alone."""

    def is_enough(self, beginning: bytes) -> bool:  # noqa: ARG002 - see above
        return False


class PassesAnswers:
    """A connector whose answers pass as they come."""

    filters_responses: ClassVar[bool] = False

    def response_filter(
        self,
        request: HttpRequest,  # noqa: ARG002 - see above
        actions: tuple[Action, ...],  # noqa: ARG002
        allowed: Allowed,  # noqa: ARG002
        content_type: str,  # noqa: ARG002
    ) -> BodyChange | None:
        return None


class SaysAll:
    """A connector whose requests are deeds of their own, and tell in their parameters what they do."""

    def preparation(self, request: HttpRequest) -> tuple[Action, ...]:  # noqa: ARG002 - see above
        return ()

    def untold(self, request: HttpRequest) -> str:  # noqa: ARG002
        return ""


class HeldAsReceived:
    """A connector whose held requests are bound as they came, and end with their connection."""

    def bound_body(self, request: HttpRequest) -> bytes | None:  # noqa: ARG002 - see above
        return None

    def waits_as(self, request: HttpRequest) -> frozenset[str]:  # noqa: ARG002
        return NO_NAMES

    def calls_off(self, request: HttpRequest) -> frozenset[str]:  # noqa: ARG002
        return NO_NAMES


NO_NAMES: Final[frozenset[str]] = frozenset()
NO_DOWNLOADS: Final[frozenset[str]] = frozenset()
