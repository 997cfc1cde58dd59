"""Other names of a place, by the table of mounts; the files are real, the table is written for them."""

from __future__ import annotations

from pathlib import Path

from tameflare.isolate.mountinfo import Mount, others, parse


def test_a_line_with_blanks_and_optional_fields() -> None:
    line = r"36 35 98:0 /mnt1 /mnt/two\040words rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue"
    assert parse(line) == Mount("98:0", "/mnt1", "/mnt/two words", "ext3")


def test_a_bind_mount_above_and_one_below(tmp_path: Path) -> None:
    """`links` stands for mounts: the same files under another name."""
    secret = tmp_path / "home" / "me" / "data"
    (secret / "part").mkdir(parents=True)
    (tmp_path / "bound").symlink_to(tmp_path / "home")
    mounts = [
        Mount("8:1", "/", "/", "ext4"),
        Mount("8:1", str(tmp_path / "home"), str(tmp_path / "bound"), "ext4"),
        Mount("8:1", str(secret / "part"), "/mnt/part", "ext4"),
        Mount("8:2", "/", "/other", "ext4"),
    ]
    assert list(others(str(secret), mounts)) == [f"{tmp_path}/bound/me/data", "/mnt/part"]


def test_a_second_mount_of_the_whole_file_system(tmp_path: Path) -> None:
    """A subvolume is mounted at its place, and everything once more beside it."""
    secret = tmp_path / "home" / "data"
    secret.mkdir(parents=True)
    top = tmp_path / "top" / "@home"
    top.parent.mkdir()
    top.symlink_to(tmp_path / "home")
    mounts = [
        Mount("0:9", "/", "/", "btrfs"),
        Mount("0:30", "/@home", str(tmp_path / "home"), "btrfs"),
        Mount("0:30", "/", str(tmp_path / "top"), "btrfs"),
    ]
    assert list(others(str(secret), mounts)) == [str(top / "data")]


def test_what_only_looks_like_another_name_is_left_alone(tmp_path: Path) -> None:
    secret = tmp_path / "data"
    secret.mkdir()
    (tmp_path / "else" / "data").mkdir(parents=True)
    mounts = [Mount("8:1", "/", "/", "ext4"), Mount("8:1", str(tmp_path), str(tmp_path / "else"), "ext4")]
    assert list(others(str(secret), mounts)) == []
