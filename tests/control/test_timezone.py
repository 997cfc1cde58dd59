"""In which time zone policies read clocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tameflare.control.services.timezone import machine_zone, zone_name
from tameflare.settings import Settings


def test_the_setting_comes_before_the_machine() -> None:
    assert zone_name(Settings({"TF_TIMEZONE": "Asia/Kathmandu"})) == "Asia/Kathmandu"


@pytest.mark.parametrize(
    ("variable", "link", "file", "zone"),
    [
        ("Europe/Vienna", "/usr/share/zoneinfo/Asia/Tokyo", "Asia/Kolkata\n", "Europe/Vienna"),
        (":Europe/Vienna", "", "", "Europe/Vienna"),
        ("CET-1CEST", "/usr/share/zoneinfo/Asia/Tokyo", "", "Asia/Tokyo"),
        ("", "../usr/share/zoneinfo/Etc/UTC", "Asia/Kolkata\n", "Etc/UTC"),
        ("", "/somewhere/else", "Asia/Kolkata\n", "Asia/Kolkata"),
        ("localtime", "", "what is this\n", "UTC"),
        ("", "", "", "UTC"),
    ],
)
def test_the_machine_is_asked_in_turn(tmp_path: Path, variable: str, link: str, file: str, zone: str) -> None:
    if link:
        (tmp_path / "localtime").symlink_to(link)
    if file:
        (tmp_path / "timezone").write_text(file)
    assert machine_zone({"TZ": variable}, tmp_path) == zone


def test_a_local_time_that_is_a_copy_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes(b"TZif2")
    (tmp_path / "timezone").write_bytes(b"\xff")
    assert machine_zone({}, tmp_path) == "UTC"
