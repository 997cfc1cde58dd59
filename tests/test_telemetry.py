"""Log lines for people: whatever stands in a value, the terminal shows it and nothing more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from tameflare.settings import Settings
from tameflare.telemetry import configure_logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("shape", ["text", "json"])
def test_no_value_drives_the_terminal(shape: str, capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings({"TF_LOG_FORMAT": shape}))
    structlog.get_logger().warning("host_refused", host="\x1b[2J\x1b]0;evil\x07\x9b1m", path="/a\nforged")
    line = capfd.readouterr().err
    assert "\\u001b[2J\\u001b]0;evil\\u0007\\u009b1m" in line
    assert line.count("\n") == 1
    assert "\x1b[2J" not in line
    assert "\x9b" not in line
