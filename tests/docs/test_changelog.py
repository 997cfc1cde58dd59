"""The change log's fragments."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.changelog import MARK, ROOT, FragmentFault, fragments, release, section


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "changelog.d").mkdir()
    (tmp_path / "CHANGELOG.md").write_text(f"# Changes\n\n{MARK}\n\n## 0.1.0 (2026-01-01)\n\n- Began.\n")
    return tmp_path


def add(root: Path, name: str, text: str) -> None:
    (root / "changelog.d" / name).write_text(text)


def test_a_release_moves_the_fragments_under_its_version(root: Path) -> None:
    add(root, "fixed-b.md", "Mended\nsomething.\n")
    add(root, "added-a.md", "A thing.")
    add(root, "README.md", "how to")
    release(root, "0.2.0", "2026-02-01")
    assert (root / "CHANGELOG.md").read_text() == (
        f"# Changes\n\n{MARK}\n\n## 0.2.0 (2026-02-01)\n\n### Added\n- A thing.\n\n### Fixed\n- Mended something.\n"
        "\n\n## 0.1.0 (2026-01-01)\n\n- Began.\n"
    )
    assert [path.name for path in (root / "changelog.d").iterdir()] == ["README.md"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [("demo.md", "A thing.", "must be named"), ("new-x.md", "A thing.", "must be named"), ("fixed-x.md", " ", "empty")],
)
def test_a_fragment_that_cannot_be_used_is_named(root: Path, name: str, text: str, words: str) -> None:
    add(root, name, text)
    with pytest.raises(FragmentFault, match=words):
        fragments(root / "changelog.d")


def test_a_release_of_nothing_is_refused(root: Path) -> None:
    with pytest.raises(FragmentFault, match="no fragment"):
        release(root, "0.2.0", "2026-02-01")


def test_the_mark_must_stand(root: Path) -> None:
    add(root, "fixed-b.md", "Mended.")
    (root / "CHANGELOG.md").write_text("# Changes\n")
    with pytest.raises(FragmentFault, match="has lost its line"):
        release(root, "0.2.0", "2026-02-01")
    assert (root / "changelog.d" / "fixed-b.md").exists()


def test_our_own_fragments_can_be_assembled() -> None:
    assert section("next", "", fragments(ROOT / "changelog.d")).startswith("## next\n")
    assert MARK in (ROOT / "CHANGELOG.md").read_text()
