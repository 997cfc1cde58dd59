"""Small values: actions, verdicts, roles, faults, masked paths."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tameflare.core.action import Action, Effect, Risk
from tameflare.core.decision import Reason
from tameflare.core.errors import InvalidValue, SettingError, TameFlareError
from tameflare.core.redact import LONGEST_PATH, mask_query, recorded_path
from tameflare.core.roles import Role, at_least


def test_an_action_survives_json() -> None:
    action = Action("stripe.refund.create", {"id": "ch_1"}, {"amount": 2**60}, Risk.HIGH, Effect.MONEY)
    assert msgspec.json.decode(msgspec.json.encode(action), type=Action) == action


def test_actions_do_not_share_their_parameters() -> None:
    assert Action("a.b.c").parameters is not Action("a.b.c").parameters


@pytest.mark.parametrize(
    ("action_type", "expected"),
    [("github.unknown.post", True), ("github.pr.merge", False), ("unknown.pr.merge", False), ("http.unknown", False)],
)
def test_an_unknown_route_is_known_as_such(action_type: str, expected: bool) -> None:
    assert Action(action_type).is_unknown is expected


def test_roles_are_ordered() -> None:
    ranked = [Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.OWNER]
    assert [[at_least(role, needed) for needed in ranked] for role in ranked] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


def test_a_fault_is_a_sentence_with_help() -> None:
    assert str(TameFlareError("port `3000` is in use", "set TF_PORT")) == "port `3000` is in use; set TF_PORT"
    assert str(TameFlareError("port `3000` is in use")) == "port `3000` is in use"
    assert InvalidValue("no", code="special").code == "special"
    assert (TameFlareError("").code, InvalidValue("").code, SettingError("").code) == (
        "error",
        "invalid_value",
        "setting_invalid",
    )


def test_reason_codes_are_snake_case_and_spelt_as_they_are_named() -> None:
    for reason in Reason:
        assert reason.value == reason.name.lower()


SENSITIVE = frozenset({"token", "api_key"})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("page=2&token=abc", "page=2&token=***"),
        ("TOKEN=abc&Api_Key=x=y", "TOKEN=***&Api_Key=***"),
        ("token", "token"),
        ("to%6ben=abc", "to%6ben=***"),
        ("a=1&&b=2", "a=1&&b=2"),
    ],
)
def test_values_of_sensitive_names_are_masked(query: str, expected: str) -> None:
    assert mask_query(query, SENSITIVE) == expected
    assert recorded_path("/v1/x", query, SENSITIVE) == f"/v1/x?{expected}"


def test_a_recorded_path_is_bounded() -> None:
    assert len(recorded_path("/" + "a" * 5000, "", SENSITIVE)) == LONGEST_PATH
    assert len(recorded_path("/", "b=" + "a" * 5000, SENSITIVE)) == LONGEST_PATH


@given(st.text("abkptoeni_%=&AKT0", max_size=40))
def test_the_value_of_a_sensitive_name_never_stays(noise: str) -> None:
    assert "hunter2" not in recorded_path("/p", f"{noise}&token=hunter2", SENSITIVE)
    assert "hunter2" not in recorded_path("/p", f"api_key=hunter2&{noise}", SENSITIVE)
