"""What strangers sent is shown without driving the terminal."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tameflare.core.text import spell_out


def test_control_and_direction_characters_are_spelled_out() -> None:
    assert spell_out("a\x1b[2J\x9b1m\x7f\r\u202eb\tc\nd") == "a\\u001b[2J\\u009b1m\\u007f\\u000d\\u202eb\tc\nd"
    assert spell_out("Zürich") == "Zürich"


@given(st.text())
def test_json_means_the_same_afterwards(text: str) -> None:
    assert json.loads(spell_out(json.dumps({"a": text}, ensure_ascii=False))) == {"a": text}
