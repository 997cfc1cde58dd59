"""A secret never prints, whatever it is put into."""

from __future__ import annotations

import copy
import json
import pickle
import traceback

import pytest

from tameflare.core.secret import MASK, Secret

VALUE = "sk-very-secret-4711"


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!r:>40}",
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031
        lambda secret: repr([secret, {"key": secret}]),
        lambda secret: str(ValueError("no", secret)),
        lambda secret: json.dumps({"key": secret}, default=str),
    ],
)
def test_printing_shows_the_mask(show) -> None:  # type: ignore[no-untyped-def]
    shown = show(Secret(VALUE))
    assert VALUE not in shown
    assert MASK in shown


def test_a_traceback_shows_the_mask() -> None:
    with pytest.raises(ValueError, match="Secret") as fault:
        raise ValueError(Secret(VALUE))
    assert VALUE not in "".join(traceback.format_exception(fault.value))


@pytest.mark.parametrize("take", [pickle.dumps, copy.deepcopy])
def test_a_secret_is_not_serialised(take) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError, match="cannot be pickled"):
        take(Secret(VALUE))


def test_reveal_is_the_one_way_to_the_value() -> None:
    assert Secret(VALUE).reveal() == VALUE
    assert not hasattr(Secret(VALUE), "__dict__")


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")
