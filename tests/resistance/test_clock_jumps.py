"""A clock that is set forward or back, by seconds and by years: records, rates, runs and certificates do not mind."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from tests.support.spooling import intent, outcome

from tameflare.link.messages import SpoolPosition
from tameflare.link.spool import decode, payloads
from tameflare.proxy.backlog import Backlog
from tameflare.proxy.ca import CertificateAuthority
from tameflare.proxy.limits import Limits
from tameflare.proxy.runs import GRACE_SECONDS, Runs
from tameflare.proxy.spool import Spool
from tameflare.proxy.state import ProxyState
from tameflare.wire.tls import TlsShell

YEAR = 365.25 * 86400
JUMPS = [1.0, -1.0, 3600.0, -3600.0, YEAR, -YEAR, -40 * YEAR]
NOW = datetime.now(UTC).timestamp()


class Clocks:
    """The clock on the wall, which people set, and the one that only counts."""

    def __init__(self) -> None:
        self.wall = NOW
        self.steady = 1000.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def state_of(clocks: Clocks) -> ProxyState:
    limits = Limits(**dict.fromkeys((field.name for field in fields(Limits)), 0))  # type: ignore[arg-type]
    return ProxyState(limits, lambda: clocks.wall, lambda: clocks.steady, lambda: 0.0)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_window_of_the_rate_neither_opens_nor_closes(jump: float) -> None:
    clocks = Clocks()
    state = state_of(clocks)
    for _ in range(5):
        window = state.window("agent")
        assert window.advance(state.tick()) < 5
        window.charge()
    clocks.wall += jump
    assert state.window("agent").advance(state.tick()) == 5
    clocks.pass_by(61)
    assert state.window("agent").advance(state.tick()) == 0


@pytest.mark.parametrize("jump", JUMPS)
def test_request_ids_stay_different(jump: float) -> None:
    clocks = Clocks()
    state = state_of(clocks)
    found = [state.new_request_id(clocks.wall) for _ in range(500)]
    clocks.wall += jump
    found += [state.new_request_id(clocks.wall) for _ in range(500)]
    assert len(set(found)) == 1000
    assert {len(request_id) for request_id in found} == {len(found[0])}


@pytest.mark.parametrize("jump", JUMPS)
def test_the_grace_of_a_run_is_as_long_as_ever(jump: float) -> None:
    clocks = Clocks()
    runs = Runs(b"k" * 32, lambda: clocks.steady)
    token, run = runs.start("gateway-1", "default")
    clocks.wall += jump
    assert runs.find(token) is run
    runs.end(run)
    clocks.wall += jump
    clocks.pass_by(GRACE_SECONDS - 1)
    assert runs.find(token) is run
    clocks.pass_by(2)
    assert runs.find(token) is None


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 86400 * 6.0, -86400 * 2.0, YEAR, -YEAR])
def test_agents_are_shown_certificates_that_are_valid_now(tmp_path: Path, jump: float) -> None:
    began = datetime.now(UTC)
    times = [began]
    authority = CertificateAuthority.open(tmp_path, lambda: times[0])
    for present in (began, began + timedelta(seconds=jump), began, began + timedelta(hours=1)):
        times[0] = present
        leaf = leaf_of(authority.server_context("api.example.test"))
        assert leaf.not_valid_before_utc <= present < leaf.not_valid_after_utc
        made = authority.leaves_made
        assert leaf_of(authority.server_context("api.example.test")) == leaf
        assert authority.leaves_made == made, "made once, not at each meeting"


def leaf_of(context: ssl.SSLContext) -> x509.Certificate:
    """The certificate that a client is shown."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    to_client, from_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, from_client)
    server = TlsShell(context, server_side=True)
    while not server.handshaken:
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        server.receive(from_client.read())
        to_client.write(server.outgoing())
    return x509.load_der_x509_certificate(client.getpeercert(binary_form=True) or b"")


def test_records_keep_their_order(tmp_path: Path) -> None:
    """Their number orders them, never their time."""
    spool = Spool(tmp_path, "e1", max_bytes=1 << 20, segment_bytes=2000)
    for number, jump in enumerate(JUMPS * 6):
        spool.append(msgspec.structs.replace(intent(number), time=max(0.0, NOW + jump)))
        spool.append(outcome(number))
        assert spool.flush()
    spool.close()
    backlog, found = Backlog(tmp_path), []
    while (batch := backlog.next_batch()) is not None:
        found += [decode(payload).request_id for _, payload in payloads(batch.data)]
        backlog.acknowledge(batch, SpoolPosition(batch.epoch, batch.sequence + batch.count))
    wanted = [intent(number).request_id for number in range(len(JUMPS) * 6) for _ in range(2)]
    assert found == wanted
