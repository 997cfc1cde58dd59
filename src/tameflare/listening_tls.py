"""Whether the proxy's listeners speak TLS, and settings of theirs that contradict each other."""

from __future__ import annotations

from tameflare import settings as names
from tameflare.core.errors import SettingError
from tameflare.settings import Settings


def tls_is_set(settings: Settings) -> bool:
    """Whether the proxy has a certificate to show to agents. Raises SettingError where the settings contradict."""
    certificate, key = settings.is_set(names.PROXY_TLS_CERT), settings.is_set(names.PROXY_TLS_KEY)
    if certificate != key:
        both = [names.PROXY_TLS_CERT.name, names.PROXY_TLS_KEY.name]
        given, missing = both if certificate else reversed(both)
        raise SettingError(f"{given} is set and {missing} is not", "set both")
    if certificate and settings.is_set(names.PROXY_TLS_NAMES):
        raise SettingError(
            f"{names.PROXY_TLS_CERT.name} and {names.PROXY_TLS_NAMES.name} are both set",
            "a listener shows one certificate",
        )
    found = certificate or settings.is_set(names.PROXY_TLS_NAMES)
    if not found and settings.is_set(names.PROXY_TLS_PORT):
        raise SettingError(
            f"{names.PROXY_TLS_PORT.name} is set, and no certificate is",
            f"set {names.PROXY_TLS_NAMES.name}, or {names.PROXY_TLS_CERT.name} and {names.PROXY_TLS_KEY.name}",
        )
    return found


def main_listener_speaks_tls(settings: Settings) -> bool:
    """Whether the proxy speaks TLS at TF_PROXY_PORT. Raises SettingError as `tls_is_set`."""
    return tls_is_set(settings) and not settings.is_set(names.PROXY_TLS_PORT)
