"""Settings: defaults, each parser's good and bad values, and what a person is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tameflare import settings
from tameflare.core.decision import EnforcementLevel
from tameflare.core.errors import SettingError
from tameflare.core.secret import Secret
from tameflare.settings import Setting, Settings

GOOD: list[tuple[Setting[Any], str, Any]] = [
    (settings.PORT, "0", 0),
    (settings.PORT, " 65535 ", 65535),
    (settings.DATA_DIR, "~/x", Path.home() / "x"),
    (settings.RATE_LIMIT, "1", 1),
    (settings.CONFIG_MAX_AGE, "0", 0),
    (settings.RETENTION_DAYS, "90", 90),
    (settings.CONNECT_TIMEOUT, "0.5", 0.5),
    (settings.ALLOW_WIDE_PERMISSIONS, "TRUE", True),
    (settings.ALLOW_WIDE_PERMISSIONS, "no", False),
    (settings.LEVEL, "monitor", EnforcementLevel.MONITOR),
    (settings.REGISTRATION, "closed", "closed"),
    (settings.TIMEZONE, "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
    (settings.TIMEZONE, "UTC", "UTC"),
    (settings.ENCRYPTION_KEY, "AB" * 32, Secret("ab" * 32)),
    (settings.RESOLVE, "API.example:443:127.0.0.1:8443", {("api.example", 443): ("127.0.0.1", 8443)}),
    (settings.RESOLVE, "a:1:[::1]:2, b:3:10.0.0.1:4", {("a", 1): ("::1", 2), ("b", 3): ("10.0.0.1", 4)}),
]

BAD: list[tuple[Setting[Any], str, str]] = [
    (settings.PORT, "65536", "a port from 0 to 65535"),
    (settings.PORT, "-1", "a port"),
    (settings.PORT, "80a", "a port"),
    (settings.RATE_LIMIT, "0", "a whole number above 0"),
    (settings.RATE_LIMIT, "1.5", "a whole number above 0"),
    (settings.RETENTION_DAYS, "0", "a whole number of days above 0"),
    (settings.RETENTION_DAYS, "-1", "a whole number of days above 0"),
    (settings.RETENTION_DAYS, "1.5", "a whole number of days above 0"),
    (settings.RETENTION_DAYS, "9" * 20, "a whole number of days above 0"),
    (settings.CONFIG_MAX_AGE, "-5", "a whole number, 0 or more"),
    (settings.CONNECT_TIMEOUT, "0", "a number of seconds above 0"),
    (settings.CONNECT_TIMEOUT, "nan", "a number of seconds above 0"),
    (settings.CONNECT_TIMEOUT, "inf", "a number of seconds above 0"),
    (settings.CONNECT_TIMEOUT, "soon", "a number of seconds above 0"),
    (settings.ALLOW_WIDE_PERMISSIONS, "maybe", "`true` or `false`"),
    (settings.LEVEL, "off", "`full_enforce`, `soft_enforce` or `monitor`"),
    (settings.REGISTRATION, "Open", "one of `open`, `invite`, `closed`"),
    *(
        (settings.TIMEZONE, name, "a time zone by its IANA name")
        for name in ("Berlin", "Europe", "+02:00", "../UTC", "/etc/localtime", "localtime", "posix/Europe/Berlin")
    ),
    (settings.ENCRYPTION_KEY, "ab" * 31, "64 hexadecimal characters"),
    (settings.ENCRYPTION_KEY, "zz" * 32, "64 hexadecimal characters"),
    (settings.RESOLVE, "api.example:443", "`host:port:address:port`"),
    (settings.RESOLVE, "api.example:443:127.0.0.1:x", "`host:port:address:port`"),
    (settings.RESOLVE, ":443:127.0.0.1:1", "`host:port:address:port`"),
]


@pytest.mark.parametrize(("setting", "raw", "expected"), GOOD, ids=lambda value: getattr(value, "name", None))
def test_a_good_value_is_read(setting: Setting[Any], raw: str, expected: Any) -> None:
    assert Settings({setting.name: raw}).get(setting) == expected


@pytest.mark.parametrize(("setting", "raw", "expected"), BAD, ids=lambda value: getattr(value, "name", None))
def test_a_wrong_value_is_one_clear_line(setting: Setting[Any], raw: str, expected: str) -> None:
    with pytest.raises(SettingError) as fault:
        Settings({setting.name: raw}).get(setting)
    assert str(fault.value).startswith(f"{setting.name} is not {expected}")
    assert "\n" not in str(fault.value)


def test_a_wrong_key_is_not_repeated_to_the_terminal() -> None:
    almost = "ab" * 31 + "zz"
    with pytest.raises(SettingError) as fault:
        Settings({settings.ENCRYPTION_KEY.name: almost}).get(settings.ENCRYPTION_KEY)
    assert "abab" not in str(fault.value)


@pytest.mark.parametrize("setting", settings.ALL, ids=lambda setting: setting.name)
def test_an_empty_value_is_the_default(setting: Setting[Any]) -> None:
    assert Settings({setting.name: "  "}).get(setting) == setting.default
    assert not Settings({setting.name: "  "}).is_set(setting)


@pytest.mark.parametrize(
    ("environment", "server", "proxy"),
    [
        ({"TF_PORT": "3100", "TF_PROXY_PORT": "8543"}, "http://127.0.0.1:3100", "http://127.0.0.1:8543"),
        ({"TF_PORT": "3100", "TF_SERVER_URL": "https://s.example"}, "https://s.example", "http://127.0.0.1:8443"),
        ({"TF_PORT": "0", "TF_PROXY_PORT": "8443"}, "http://127.0.0.1:3000", "http://127.0.0.1:8443"),
    ],
)
def test_an_unset_url_is_at_the_port_that_is_set(environment: dict[str, str], server: str, proxy: str) -> None:
    found = Settings(environment)
    assert (found.get(settings.SERVER_URL), found.get(settings.GATEWAY_URL)) == (server, proxy)


def test_check_reads_every_setting() -> None:
    Settings({}).check()
    with pytest.raises(SettingError, match="TF_PROXY_PORT"):
        Settings({"TF_PROXY_PORT": "x"}).check()


def test_names_are_unique_and_sentences_end() -> None:
    names = [setting.name for setting in settings.ALL]
    assert len(names) == len(set(names))
    assert all(setting.sentence.endswith(".") for setting in settings.ALL)


def test_a_secret_setting_does_not_print() -> None:
    found = Settings({"SETTINGS_ENCRYPTION_KEY": "cd" * 32}).get(settings.ENCRYPTION_KEY)
    assert "cd" * 32 not in repr(found)
