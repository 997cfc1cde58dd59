"""The proxy of this machine, spoken to over the unix socket in its data directory: no log-in, no control plane."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

import msgspec

from tameflare.cli.errors import Unreachable
from tameflare.core.errors import InvalidValue, TameFlareError
from tameflare.link.local import LONGEST_LINE, SOCKET_NAME, Answer, Ask, Refused, Told
from tameflare.settings import DATA_DIR, Settings
from tameflare.unix_socket import short_path

_SECONDS: Final = 10.0
_answer: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def ask(wish: Ask) -> Told:
    """What the proxy answers. Raises Unreachable where none listens, TameFlareError where it refuses."""
    path = Settings().get(DATA_DIR) / "proxy" / SOCKET_NAME
    try:
        answer = _answer.decode(_exchange(path, msgspec.json.encode(wish) + b"\n"))
    except PermissionError:
        raise TameFlareError(f"`{path}` belongs to another user", "run this as the proxy's user or as root") from None
    except OSError:
        raise Unreachable(
            f"no proxy listens at `{path}`", "start it with `tf up`, or set TF_DATA_DIR to the proxy's"
        ) from None
    except msgspec.MsgspecError:
        raise TameFlareError("the proxy's answer cannot be read", "use the same version of `tf` and proxy") from None
    if isinstance(answer, Refused):
        raise _fault(answer)
    return answer


def _exchange(path: Path, line: bytes) -> bytes:
    """One line there, one line back. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_SECONDS)
        with short_path(path) as short:
            connection.connect(short)
        connection.sendall(line)
        with connection.makefile("rb") as stream:
            return stream.readline(LONGEST_LINE * 16)


def _fault(refused: Refused) -> TameFlareError:
    kind = InvalidValue if refused.code in {InvalidValue.code, "ambiguous", "invalid"} else TameFlareError
    return kind(refused.message, refused.help, code=refused.code)
