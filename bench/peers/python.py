"""Where the peers that are Python packages live: tools/peers.sh makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ENVIRONMENT: Final = Path(__file__).resolve().parents[2] / ".venv-peers"
