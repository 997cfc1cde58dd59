"""Puts figures into the documents that show them, between two marks, so that nobody types a figure."""

from __future__ import annotations

from pathlib import Path

from bench.peers import report
from bench.peers.results import Results
from tameflare.core.errors import TameFlareError

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- Written by `make bench-peers ARGS=--write`. Do not edit. -->\n"
END = "<!-- End of what was written. -->\n"


def write(results: Results, root: Path = ROOT) -> list[Path]:
    """Returns what was written. Raises TameFlareError where the marks are missing, or for figures of a quick run."""
    if results.quick:
        raise TameFlareError("figures of a quick run are not published", "run it without `--quick`")
    pages = {root / "docs" / "performance.md": report.page(results), root / "README.md": report.ratios(results)}
    for path, text in pages.items():
        path.write_text(replaced(path.read_text(), text, path.name))
    return list(pages)


def replaced(page: str, text: str, name: str) -> str:
    """The page with `text` between its marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise TameFlareError(
            f"`{name}` has no place for the figures", f"it needs the lines `{BEGIN.strip()}` and `{END.strip()}`"
        )
    return f"{before}{BEGIN}\n{text}\n{END}{after}"
