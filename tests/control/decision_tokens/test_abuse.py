"""What people have done to readers of JWTs, done to ours: nothing is accepted, and nothing is used up."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey
from tests.control.decision_tokens.minting import (
    PARAMETERS,
    RESOURCE,
    SPEC,
    TYPE,
    Mint,
    dump,
    forged,
    join,
    parts,
    stranger,
)

from tameflare.core import p256, token
from tameflare.core.canonical import spec_hash
from tameflare.core.errors import TameFlareError

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(scope="module")
def mint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mint]:
    """One for all: no test here uses a token up."""
    made = Mint(tmp_path_factory.mktemp("abuse"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def good(mint: Mint) -> str:
    return mint.token(mint.allowed())


def test_the_token_that_the_others_are_made_of_is_good(tmp_path: Path) -> None:
    mint = Mint(tmp_path)
    assert mint.use(mint.token(mint.allowed())).outcome == {"code": "verified"}
    mint.close()


# --- the algorithm


@pytest.mark.parametrize(
    "name",
    ["none", "None", "NONE", "nOnE", "", "es256", "ES256 ", "ES384", "ES256K", "RS256", "EdDSA", None, 1, ["ES256"]],
)
def test_another_algorithm_is_refused(mint: Mint, good: str, name: Any) -> None:
    signer = mint.keys._ring.signer
    assert mint.refusal(forged(good, signer, lambda head: head.update(alg=name))) == "algorithm_refused"


def test_an_unsigned_token_is_refused(mint: Mint, good: str) -> None:
    head, claims, _ = parts(good)
    unsigned = join(dump({**head, "alg": "none"}), dump(claims), b"")
    assert mint.refusal(unsigned) == "token_malformed"
    assert mint.refusal(unsigned + "AA") == "algorithm_refused"
    assert mint.refusal(good.rpartition(".")[0] + ".") == "token_malformed"
    assert mint.refusal(good.rpartition(".")[0]) == "token_malformed"


def test_the_public_key_is_no_secret_of_an_hmac(mint: Mint, good: str) -> None:
    public = mint.keys._ring.signer.public_key()
    head, claims, _ = parts(good)
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        json.dumps(p256.jwk(public)).encode(),
    ]
    for secret in secrets:
        signed = token.encode(dump({**head, "alg": "HS256"})) + b"." + token.encode(dump(claims))
        mac = hmac.digest(secret, signed, hashlib.sha256)
        assert mint.refusal((signed + b"." + token.encode(mac)).decode()) == "algorithm_refused"
        signed = ".".join(good.split(".")[:2]).encode()
        mac = hmac.digest(secret, signed, hashlib.sha256)
        assert mint.refusal((signed + b"." + token.encode(mac)).decode()) == "signature_invalid"


def test_a_library_that_would_make_such_tokens_makes_none_that_pass(mint: Mint, good: str) -> None:
    head, claims, _ = parts(good)
    made = jwt.encode({**head, "alg": "HS256"}, claims, OctKey.import_key(b"k" * 32), algorithms=["HS256"])
    assert mint.refusal(made) == "algorithm_refused"


# --- the key


def test_another_key_under_our_name_is_refused(mint: Mint, good: str) -> None:
    assert mint.refusal(forged(good, stranger())) == "signature_invalid"


def test_another_curve_is_refused(mint: Mint, good: str) -> None:
    head, claims, _ = parts(good)
    for curve, algorithm in ((SECP384R1(), "ES384"), (SECP256K1(), "ES256K")):
        key = ECKey.import_key(generate_private_key(curve))
        made = jws.serialize_compact({**head, "alg": algorithm}, dump(claims), key, algorithms=[algorithm])
        assert mint.refusal(made) == "algorithm_refused"
        body, _, signature = made.rpartition(".")
        _, payload = body.split(".")
        assert mint.refusal(f"{token.header(head['kid']).decode()}.{payload}.{signature}") == "signature_invalid"


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "x",
        "../../../../dev/null",
        "/etc/passwd",
        "key.decision.1",
        "http://127.0.0.1:9/jwks.json",
        "' OR '1'='1",
        "a" * 1000,
        "\u0000",
        None,
        0,
        ["kid"],
        {"kty": "oct"},
    ],
)
def test_another_key_id_is_unknown_whatever_it_says(mint: Mint, good: str, kid: Any) -> None:
    assert mint.refusal(forged(good, stranger(), lambda head: head.update(kid=kid))) == "unknown_key"


def test_a_key_that_the_token_names_itself_is_unknown(mint: Mint, good: str) -> None:
    key = stranger()
    own = p256.thumbprint(key.public_key())
    assert mint.refusal(forged(good, key, lambda head: head.update(kid=own))) == "unknown_key"


@pytest.mark.parametrize(
    "member",
    [
        {"jwk": {"kty": "EC"}},
        {"jku": "http://127.0.0.1:9/jwks.json"},
        {"x5u": "http://127.0.0.1:9/cert.pem"},
        {"x5c": ["MIIB"]},
        {"x5t": "AAAA"},
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"typ": "at+jwt"},
        {"enc": "A256GCM"},
        {"other": 1},
    ],
    ids="+".join,
)
def test_a_header_that_says_more_is_refused_even_signed_by_us(mint: Mint, good: str, member: dict[str, Any]) -> None:
    signer = mint.keys._ring.signer
    assert mint.refusal(forged(good, signer, head=lambda header: header.update(member))) == "token_malformed"


def test_a_key_sent_along_is_not_used(mint: Mint, good: str) -> None:
    key = stranger()
    sent = p256.jwk(key.public_key())
    assert mint.refusal(forged(good, key, lambda head: head.update(jwk=sent))) == "token_malformed"


# --- the signature


def _with(text: str, signature: bytes) -> str:
    return f"{text.rpartition('.')[0]}.{token.encode(signature).decode()}"


@pytest.mark.parametrize(
    ("r", "s"),
    [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (token.ORDER, 1),
        (1, token.ORDER),
        (token.ORDER, token.ORDER),
        (2**256 - 1, 2**256 - 1),
    ],
)
def test_numbers_that_no_signature_has_are_refused(mint: Mint, good: str, r: int, s: int) -> None:
    assert mint.refusal(_with(good, r.to_bytes(32) + s.to_bytes(32))) == "signature_invalid"


def test_the_other_signature_that_follows_from_ours_is_refused(mint: Mint, good: str) -> None:
    _, _, signature = parts(good)
    s = int.from_bytes(signature[32:])
    high = signature[:32] + (token.ORDER - s).to_bytes(32)
    signed = good.rpartition(".")[0].encode()
    assert p256.verifies(mint.keys._ring.signer.public_key(), high, signed)  # the curve itself would take it
    assert mint.refusal(_with(good, high)) == "signature_invalid"


def test_a_signature_written_otherwise_is_refused(mint: Mint, good: str) -> None:
    _, _, signature = parts(good)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    for written in (
        encode_dss_signature(r, s),
        b"\0" + signature,
        signature + b"\0",
        signature[:-1],
        signature[1:],
        signature[32:] + signature[:32],
        signature * 2,
        signature[:32],
    ):
        assert mint.refusal(_with(good, written)) == "signature_invalid"


# --- the claims


@pytest.mark.parametrize(
    "name", ["action_request_id", "action_spec_hash", "nonce", "iat", "exp", "iss", "aud", "sub", "kid"]
)
def test_edited_claims_are_refused(mint: Mint, good: str, name: str) -> None:
    _, claims, signature = parts(good)
    edited = {**claims, name: claims[name] + 1 if isinstance(claims[name], int) else f"{claims[name]}x"}
    assert mint.refusal(join(dump(parts(good)[0]), dump(edited), signature)) == "signature_invalid"


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        ({"iss": "https://elsewhere.example"}, "issuer_mismatch"),
        ({"aud": "other"}, "audience_mismatch"),
        ({"aud": ["main"]}, "token_malformed"),
        ({"exp": 9_999_999_999}, "token_malformed"),
        ({"exp": 0}, "token_expired"),
        ({"exp": "1800000300"}, "token_malformed"),
        ({"exp": 1.8e9}, "token_malformed"),
        ({"exp": None}, "token_malformed"),
        ({"iat": 1_900_000_000, "exp": 1_900_000_300}, "token_malformed"),
        ({"sub": "another"}, "agent_mismatch"),
        ({"action_spec_hash": "0" * 64}, "action_mismatch"),
        ({"action_request_id": "act_none"}, "unknown_action"),
        ({"kid": "another"}, "unknown_key"),
        ({"admin": True}, "token_malformed"),
        ({"nbf": 0}, "token_malformed"),
    ],
    ids=str,
)
def test_a_token_of_our_own_key_must_say_what_ours_say(mint: Mint, good: str, edit: dict[str, Any], code: str) -> None:
    signer = mint.keys._ring.signer
    assert mint.refusal(forged(good, signer, claims=lambda claims: claims.update(edit))) == code


@pytest.mark.parametrize(
    "name", ["action_request_id", "action_spec_hash", "nonce", "iat", "exp", "iss", "aud", "sub", "kid"]
)
def test_no_claim_may_be_missing(mint: Mint, good: str, name: str) -> None:
    signer = mint.keys._ring.signer
    assert mint.refusal(forged(good, signer, claims=lambda claims: claims.pop(name))) == "token_malformed"


def test_the_action_sent_along_must_be_the_one_decided(mint: Mint, good: str) -> None:
    for kind, resource, parameters in (
        (TYPE, RESOURCE, {"pull_number": 8}),
        (TYPE, RESOURCE, {"pull_number": "7"}),
        (TYPE, {**RESOURCE, "repo": "web"}, PARAMETERS),
        ("github.pr.close", RESOURCE, PARAMETERS),
        (TYPE, {}, {}),
    ):
        assert mint.refusal(good, spec_hash(kind, resource, parameters)) == "action_mismatch"
    assert mint.refusal(good, "") == "action_mismatch"


# --- the writing


def _repeated(raw: bytes) -> Iterator[bytes]:
    """A JSON object with each member named a second time, in front and behind."""
    for name, value in json.loads(raw).items():
        member = dump({name: value})[1:-1]
        yield raw[:-1] + b"," + member + b"}"
        yield b"{" + member + b"," + raw[1:]


def test_a_member_that_is_named_twice_is_refused_even_signed_by_us(mint: Mint, good: str) -> None:
    head, claims, _ = parts(good)
    signer = mint.keys._ring.signer
    pairs = [(twice, dump(claims)) for twice in _repeated(dump(head))]
    pairs += [(dump(head), twice) for twice in _repeated(dump(claims))]
    for header, payload in pairs:
        signed = token.encode(header) + b"." + token.encode(payload)
        made = (signed + b"." + token.encode(p256.sign(signer, signed))).decode()
        assert mint.refusal(made) == "token_malformed"


def test_a_token_in_a_token_is_refused(mint: Mint, good: str) -> None:
    head, _, _ = parts(good)
    signed = token.encode(dump(head)) + b"." + token.encode(good.encode())
    nested = (signed + b"." + token.encode(p256.sign(mint.keys._ring.signer, signed))).decode()
    assert mint.refusal(nested) == "token_malformed"
    assert mint.refusal(f"{good}.{good}") == "token_malformed"


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[]", b'"x"', b"7", b"{}", b"{", b"\xff", b"\xef\xbb\xbf{}", b"[" * 2000]
)
def test_a_payload_that_is_no_object_of_claims_is_refused(mint: Mint, good: str, payload: bytes) -> None:
    head, _, _ = parts(good)
    signed = token.encode(dump(head)) + b"." + token.encode(payload)
    made = (signed + b"." + token.encode(p256.sign(mint.keys._ring.signer, signed))).decode()
    assert mint.refusal(made) == "token_malformed"


@pytest.mark.parametrize(
    "spelt",
    [
        lambda text: text + "=",
        lambda text: text + "==",
        lambda text: text.replace(".", "=.", 1),
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text.replace(".", ". "),
        lambda text: text[:9] + "\n" + text[9:],
        lambda text: text[:9] + "%" + text[9:],
        lambda text: text + ".",
        lambda text: "." + text,
        lambda text: text.upper(),
        lambda text: text + "é",
        lambda text: text.replace(".", ".."),
        lambda text: "Bearer " + text,
        lambda text: text[:-1] + "+",
        lambda text: text[:-1] + "/",
        lambda text: "",
        lambda text: "..",
        lambda text: json.dumps({"payload": text.split(".")[1], "signatures": []}),
    ],
)
def test_a_token_that_is_spelt_otherwise_is_refused(mint: Mint, good: str, spelt: Callable[[str], str]) -> None:
    assert mint.refusal(spelt(good)) == "token_malformed"


def test_the_idle_bits_of_base64_must_be_zero(mint: Mint, good: str) -> None:
    """64 bytes leave four idle bits in the last character: fifteen other characters mean the same bytes."""
    place = _ALPHABET.index(good[-1])
    assert place % 16 == 0
    for other in range(1, 16):
        assert mint.refusal(good[:-1] + _ALPHABET[place + other]) == "token_malformed"


def test_huge_tokens_are_not_even_read(mint: Mint, good: str) -> None:
    for text in ("A" * 5000, "." * 5000, good + "A" * 5000, f"{'A' * (1 << 20)}.{good}"):
        assert mint.refusal(text) == "token_malformed"


@given(st.text(max_size=80) | st.text("Aa0-_.=", max_size=80))
def test_no_text_is_taken_for_a_token_and_none_crashes_the_reader(text: str) -> None:
    with pytest.raises(TameFlareError):
        token.take_apart(text)


@given(place=st.integers(0, 10_000), other=st.sampled_from(_ALPHABET + "."))
def test_no_single_character_can_be_changed(mint: Mint, good: str, place: int, other: str) -> None:
    at = place % len(good)
    if good[at] != other:
        assert mint.refusal(good[:at] + other + good[at + 1 :])


def test_nothing_of_all_this_used_the_token_up(mint: Mint) -> None:
    action = mint.allowed()
    text = mint.token(action)
    for bad in (forged(text, stranger()), text + "=", text[:-1]):
        mint.refusal(bad)
    assert mint.refusal(text, "0" * 64) == "action_mismatch"
    assert mint.refusal(text, SPEC, "agt_2") == "forbidden"
    assert mint.use(text).id == action.id
