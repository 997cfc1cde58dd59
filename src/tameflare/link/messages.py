"""Messages of the link: one ordered feed down to a proxy, records up from it.

Everything is msgspec data. JSON on the feed, MessagePack in the spool. `WIRE_VERSION` rises when an older reader would
misunderstand; a reader that is told a newer one keeps its last good configuration and says so in its health.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tameflare.core.decision import Verdict

WIRE_VERSION: Final = 1

FEED_PATH: Final = "/api/link/feed"
RECORDS_PATH: Final = "/api/link/records"
MAX_WAIT_SECONDS: Final = 30


# --- the feed, control plane to proxy ---------------------------------------------------------------------------------


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """A whole configuration. `configuration` is the JSON of core.config.Configuration, the very bytes signed.

    `bundle` is sealed for this proxy alone (link/seal.py) and holds the credentials, the signing key and the digest of
    `configuration`.
    """

    version: int
    configuration: bytes
    signature: bytes
    bundle: bytes


class ApprovalAnswered(msgspec.Struct, frozen=True, tag="approval_answered"):
    """People answered an approval, or it ended without them: `verdict` is allow or deny, `reason` a
    core.decision.Reason, `message` what the approver wrote. `version` is the configuration that the proxy must have
    applied first."""

    approval: str
    verdict: Verdict
    reason: str
    message: str
    version: int


class ExecuteJob(msgspec.Struct, frozen=True, tag="execute_job"):
    """There is an action to carry out (link/executions.py): for whichever proxy claims it first. After `until`, in Unix
    seconds, nobody waits for it any more."""

    job: str
    until: int


Message = Snapshot | ApprovalAnswered | ExecuteJob


class Entry(msgspec.Struct, frozen=True):
    """One message at its place in the feed."""

    cursor: int
    message: Message


class Feed(msgspec.Struct, frozen=True):
    """Answer to `GET /api/link/feed?cursor=N&wait=S`: what came after cursor N, oldest first, at most one snapshot (the
    newest). `cursor` is where to go on. `proxy` is the id under which this proxy is known."""

    wire: int
    proxy: str
    cursor: int
    entries: tuple[Entry, ...] = ()


# --- inside a bundle --------------------------------------------------------------------------------------------------


class OpenCredential(msgspec.Struct, frozen=True):
    """The credential of one connector instance, open; `username` only where the scheme is basic."""

    connector: str
    value: str
    username: str = ""


class Bundle(msgspec.Struct, frozen=True):
    """What only this proxy may read. `token_key` verifies proxy tokens; `signing_key` is the raw Ed25519 public key."""

    version: int
    configuration_sha256: str
    signing_key: bytes
    token_key: bytes
    credentials: tuple[OpenCredential, ...] = ()


# --- records, proxy to control plane ----------------------------------------------------------------------------------


class RecordedAction(msgspec.Struct, frozen=True, array_like=True):
    """An action as it is recorded: only parameters on the connector's `record` list."""

    type: str
    risk: str
    effect: str
    parameters: dict[str, str] = {}


class Intent(msgspec.Struct, frozen=True, array_like=True, tag="i"):
    """A decision about a request, before anything went upstream. Times in Unix seconds.

    For a refusal nothing follows, and `status`, `overhead_us`, `bytes_out` tell the rest; for a request that was let
    through they are zero until the outcome comes. `approval` is the id of the approval that it was held for, if any.
    """

    request_id: str
    time: float
    gateway: str
    agent: str
    run: str
    connector: str
    actions: tuple[RecordedAction, ...]
    method: str
    scheme: str
    host: str
    port: int
    path: str
    content_type: str
    user_agent: str
    verdict: str
    reason: str
    message: str
    matched: tuple[str, ...]
    would_be: str
    level: str
    flags: tuple[str, ...]
    configuration: int
    status: int = 0
    overhead_us: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    final: bool = False
    approval: str = ""


class Outcome(msgspec.Struct, frozen=True, array_like=True, tag="o"):
    """How a request that was let through ended; `reason` only where it failed. `flags` are told beside the intent's."""

    request_id: str
    status: int
    latency_us: int
    overhead_us: int
    bytes_in: int
    bytes_out: int
    reason: str = ""
    flags: tuple[str, ...] = ()


Record = Intent | Outcome


class SpoolPosition(msgspec.Struct, frozen=True):
    """Where the control plane stands in a proxy's spool: everything before `sequence` of `epoch` is stored."""

    epoch: str
    sequence: int
