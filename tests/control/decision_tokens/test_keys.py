"""The keys of decision tokens: made, kept sealed, rotated, given by the environment, lost and found."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from tests.control.decision_tokens.minting import Mint, parts
from tests.control.running import KEY, Clock
from tests.support.postgres import Databases

from tameflare.control.services.audit import SERVER
from tameflare.control.services.faults import Refused
from tameflare.control.services.signing_keys import DESTROYED_AFTER, KEPT, RECORD, TRUSTED_SECONDS
from tameflare.core import p256
from tameflare.core.errors import SettingError
from tameflare.core.token import LIFE, SKEW
from tameflare.setting_keys import check_pair
from tameflare.settings import SIGNING_KEY_PRIVATE, SIGNING_KEY_PUBLIC, Settings


def pem(key: EllipticCurvePrivateKey, form: PrivateFormat = PrivateFormat.PKCS8, password: bytes = b"") -> str:
    sealed = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, sealed).decode()


def public_pem(key: EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def rotate(mint: Mint) -> str:
    return asyncio.run(mint.keys.rotate(SERVER)).kid


def accepted(mint: Mint) -> list[str]:
    return [key.kid for key in asyncio.run(mint.keys.ring()).accepted(mint.clock())]


def records(directory: Path) -> list[str]:
    connection = sqlite3.connect(directory / "tameflare.db")
    found = connection.execute("SELECT value FROM meta WHERE name LIKE ? ORDER BY name", (f"{RECORD}.%",)).fetchall()
    connection.close()
    return [value for (value,) in found]


def test_a_key_is_made_at_the_first_start_and_stays_and_is_sealed(tmp_path: Path) -> None:
    kids = []
    for _ in range(2):
        mint = Mint(tmp_path)
        kids.append(mint.keys._ring.kid)
        mint.close()
    assert kids[0] == kids[1]
    assert [value.startswith("enc:v2:") for value in records(tmp_path)] == [True]


def test_a_new_key_signs_and_the_tokens_of_the_former_stay_good(mint: Mint) -> None:
    before, former = mint.allowed(), mint.keys._ring.kid
    text = mint.token(before)
    newer = rotate(mint)
    assert newer != former
    assert accepted(mint) == [newer, former]
    again = mint.token(before)
    assert [parts(one)[0]["kid"] for one in (text, again)] == [former, newer]
    assert parts(again)[1]["nonce"] == parts(text)[1]["nonce"]
    mint.clock.now += LIFE + SKEW - 1
    mint.use(text)
    assert mint.refusal(again) == "token_spent"


def test_a_former_key_leaves_the_set_and_is_destroyed_later(mint: Mint) -> None:
    former = mint.keys._ring.kid
    newer = rotate(mint)
    mint.clock.now += KEPT - 1
    assert accepted(mint) == [newer, former]
    mint.clock.now += 1
    assert accepted(mint) == [newer]
    assert len(records(mint.database.path.parent)) == 2
    mint.clock.now += DESTROYED_AFTER
    assert mint.database.write_now(mint.keys.purge) == 0
    mint.clock.now += 1
    assert mint.database.write_now(mint.keys.purge) == 1
    assert len(records(mint.database.path.parent)) == 1
    assert rotate(mint) != newer
    assert accepted(mint)[1] == newer


def test_no_token_outlives_its_key(mint: Mint) -> None:
    """Also where another server hears of the new key only later."""
    assert KEPT > LIFE + SKEW + TRUSTED_SECONDS


def test_another_server_takes_the_new_key_up(tmp_path: Path) -> None:
    clock = Clock()
    first, second = Mint(tmp_path, clock=clock), Mint(tmp_path, clock=clock)
    newer = rotate(first)
    action = first.allowed()
    clock.now += TRUSTED_SECONDS
    assert second.use(first.token(action)).id == action.id
    assert parts(second.token(second.allowed()))[0]["kid"] == newer
    first.close()
    second.close()


def test_servers_that_start_at_once_sign_with_one_key(tmp_path: Path, databases: Databases) -> None:
    url = databases.filled()
    with ThreadPoolExecutor(4) as threads:
        servers = list(threads.map(lambda _: Mint(tmp_path, url=url), range(4)))
    assert len({server.keys._ring.kid for server in servers}) == 1
    for server in servers:
        server.close()


def test_a_key_that_was_stored_plain_is_sealed_as_soon_as_there_is_a_master_key(tmp_path: Path) -> None:
    plain = Mint(tmp_path, {})
    text, kid = plain.token(plain.allowed()), plain.keys._ring.kid
    plain.close()
    assert '"private"' in records(tmp_path)[0]
    sealed = Mint(tmp_path)
    assert sealed.keys._ring.kid == kid
    assert records(tmp_path)[0].startswith("enc:v2:")
    sealed.use(text)
    sealed.close()


def test_with_a_lost_master_key_there_is_a_new_pair_and_with_the_right_one_all_is_as_before(tmp_path: Path) -> None:
    right = Mint(tmp_path)
    action, kid = right.allowed(), right.keys._ring.kid
    text = right.token(action)
    right.close()
    wrong = Mint(tmp_path, {"SETTINGS_ENCRYPTION_KEY": "ab" * 32})
    assert wrong.keys.problem
    assert wrong.keys._ring.kid != kid
    assert wrong.refusal(text) == "unknown_key"
    assert wrong.use(wrong.token(wrong.allowed()))
    wrong.close()
    again = Mint(tmp_path, {"SETTINGS_ENCRYPTION_KEY": KEY})
    assert again.keys._ring.kid == kid
    assert again.use(text).id == action.id
    again.close()


# --- a key of the environment


def test_a_key_of_the_environment_signs_and_the_one_before_stays_good_for_its_tokens(tmp_path: Path) -> None:
    own = Mint(tmp_path)
    text, former = own.token(own.allowed()), own.keys._ring.kid
    own.close()
    key = generate_private_key(SECP256R1())
    given = Mint(tmp_path, {"SETTINGS_ENCRYPTION_KEY": KEY, "SIGNING_KEY_PRIVATE": pem(key)})
    assert accepted(given) == [p256.thumbprint(key.public_key()), former]
    given.use(text)
    with pytest.raises(Refused, match="SIGNING_KEY_PRIVATE") as fault:
        rotate(given)
    assert fault.value.code == "signing_key_set"
    of_it = given.token(given.allowed())
    given.close()
    assert pem(key)[40:90] not in "".join(records(tmp_path))
    without = Mint(tmp_path)
    assert without.keys._ring.kid not in accepted(without)[1:]
    without.use(of_it)
    without.close()


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("written", [lambda text: text, lambda text: text.strip().replace("\n", "\\n")])
def test_a_key_is_read_however_environments_write_it(form: PrivateFormat, written: object) -> None:
    key = generate_private_key(SECP256R1())
    assert callable(written)
    settings = Settings(
        {"SIGNING_KEY_PRIVATE": written(pem(key, form)), "SIGNING_KEY_PUBLIC": written(public_pem(key))}
    )
    check_pair(settings.get(SIGNING_KEY_PRIVATE), settings.get(SIGNING_KEY_PUBLIC))
    private = settings.get(SIGNING_KEY_PRIVATE)
    assert private is not None
    assert p256.thumbprint(p256.read_private(private.reveal()).public_key()) == p256.thumbprint(key.public_key())


def _ed25519() -> str:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNING_KEY_PRIVATE", "secret"),
        ("SIGNING_KEY_PRIVATE", "c2VjcmV0"),
        ("SIGNING_KEY_PRIVATE", pem(generate_private_key(SECP384R1()))),
        ("SIGNING_KEY_PRIVATE", pem(generate_private_key(SECP256R1()), password=b"x")),
        ("SIGNING_KEY_PRIVATE", public_pem(generate_private_key(SECP256R1()))),
        ("SIGNING_KEY_PRIVATE", _ed25519()),
        ("SIGNING_KEY_PRIVATE", pem(generate_private_key(SECP256R1()))[:-60]),
        ("SIGNING_KEY_PUBLIC", "secret"),
        ("SIGNING_KEY_PUBLIC", public_pem(generate_private_key(SECP384R1()))),
        ("SIGNING_KEY_PUBLIC", pem(generate_private_key(SECP256R1()))),
    ],
)
def test_what_is_no_such_key_stops_the_start_with_one_line_that_does_not_repeat_it(name: str, value: str) -> None:
    with pytest.raises(SettingError) as fault:
        Settings({name: value}).check()
    told = str(fault.value)
    assert told.startswith(f"{name} is not a P-256")
    assert "\n" not in told
    assert value[30:50] not in told or len(value) < 50


def test_two_keys_that_do_not_belong_together_stop_the_start() -> None:
    one, other = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    for environment, told in (
        ({"SIGNING_KEY_PRIVATE": pem(one), "SIGNING_KEY_PUBLIC": public_pem(other)}, "does not belong to"),
        ({"SIGNING_KEY_PUBLIC": public_pem(one)}, "is set and SIGNING_KEY_PRIVATE is not"),
    ):
        settings = Settings(environment)
        with pytest.raises(SettingError, match=told):
            check_pair(settings.get(SIGNING_KEY_PRIVATE), settings.get(SIGNING_KEY_PUBLIC))
    check_pair(None, "")
