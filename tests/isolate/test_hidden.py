"""What an isolated command does not see, and what it sees but cannot change; under every name that it has."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.isolate.conftest import Isolated


@contextmanager
def bound(path: Path, as_name: str | None = None) -> Iterator[None]:
    """A listening socket at `path`, which was bound as `as_name` and then renamed, if that is given."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(as_name or str(path))
        if as_name:
            Path(as_name).rename(path)
        path.chmod(0o777)
        listener.listen()
        try:
            yield
        finally:
            path.unlink()


def knock(isolated: Isolated, path: Path) -> str:
    """What connecting to a socket from inside comes to."""
    program = (
        "import socket,sys\ntry: socket.socket(1).connect(sys.argv[1])\nexcept OSError as e: print(type(e).__name__)"
    )
    return isolated.run("python3", "-c", program, str(path), options=["-q"]).out.strip()


def test_secrets_are_gone_and_the_rest_is_there(isolated: Isolated) -> None:
    (isolated.home / "seen").write_text("mine")
    script = "ls -A .tf ~/.config/tameflare ~/.tameflare; grep -rs gwtk_canary . ~ ; cat ~/seen; pwd"
    ended = isolated.shell(script)
    hidden, _, rest = ended.out.partition("mine")
    assert "gwtk_canary" not in ended.out
    assert hidden.split() == [".tf:", f"{isolated.home}/.config/tameflare:", f"{isolated.home}/.tameflare:"]
    assert rest.strip() == str(isolated.project)


def test_a_tf_run_inside_is_told_where_it_is(isolated: Isolated) -> None:
    ended = isolated.run(isolated.python, "-m", "tameflare", "run", "true", options=["-q"])
    assert "this is inside `tf run --isolate`" in ended.err
    assert "leave out the inner `tf run`" in ended.err


def test_folders_of_other_projects_are_gone_too(anybody: Isolated) -> None:
    other = anybody.home / "other"
    shutil.copytree(anybody.project, other, copy_function=shutil.copy2)
    anybody.give(other, other / ".tf", other / ".tf" / "config.yaml")
    words = [*anybody.words()[:-1], "trust"]
    subprocess.run(words, env=anybody.environment(), cwd=other, check=True, capture_output=True)
    assert anybody.shell(f"ls -A {other}/.tf").out == ""


def test_temporary_directories_are_private_and_start_empty(anybody: Isolated, tmp_path: Path) -> None:
    ended = anybody.shell(
        "ls -A /run /var/tmp /dev/shm; test -e /tmp/tf-test-outside && echo there; touch /tmp/x /dev/shm/x"
    )
    assert (ended.code, "there" in ended.out) == (0, False)
    assert not Path("/tmp/x").exists()
    assert not tmp_path.joinpath("x").exists()


@pytest.mark.parametrize("way", ["plain", "renamed", "relative"])
def test_sockets_of_the_machine_cannot_be_reached(
    isolated: Isolated, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.chdir(isolated.home)
    path = isolated.home / "agent.sock"
    names = {"plain": None, "renamed": str(isolated.home / "draft"), "relative": "draft"}
    with bound(path, names[way]):
        assert knock(isolated, path) == "PermissionError"


def test_a_second_name_of_a_socket_cannot_be_reached(anybody: Isolated) -> None:
    with bound(anybody.home / "one.sock"):
        (anybody.home / "two.sock").hardlink_to(anybody.home / "one.sock")
        assert knock(anybody, anybody.home / "two.sock") == "PermissionError"
    (anybody.home / "two.sock").unlink()


def test_what_the_user_hides_is_hidden_and_a_slip_of_the_pen_is_told(anybody: Isolated) -> None:
    for name in ("keys/a", "one"):
        (anybody.home / name).parent.mkdir(exist_ok=True)
        (anybody.home / name).write_text("canary")
    hide = ["-q", "--hide", str(anybody.home / "keys"), "--hide", str(anybody.home / "one")]
    assert anybody.shell("ls -A ~/keys; cat ~/one", options=hide).out == ""
    slip = anybody.shell("true", options=["--hide", "/no/such"])
    assert (slip.code, slip.err) == (1, "tf: there is no `/no/such`; check its spelling\n")


def test_a_place_that_is_made_read_only(anybody: Isolated) -> None:
    folder = anybody.home / "reference"
    folder.mkdir()
    (folder / "file").write_text("old")
    anybody.give(folder, folder / "file")
    script = "cat ~/reference/file; echo new > ~/reference/file; rm -f ~/reference/file; mv ~/reference ~/elsewhere"
    ended = anybody.shell(script, options=["-q", "--read-only", str(folder)])
    assert ended.out == "old"
    assert (folder / "file").read_text() == "old"


def test_start_up_files_that_exist_cannot_be_changed(isolated: Isolated) -> None:
    (isolated.home / ".bashrc").write_text("echo old\n")
    isolated.give(isolated.home / ".bashrc")
    isolated.shell("echo evil >> ~/.bashrc; rm ~/.bashrc; mv ~/.bashrc ~/x; echo evil > ~/.bashrc")
    assert (isolated.home / ".bashrc").read_text() == "echo old\n"


def test_a_symbolic_link_to_a_secret_leads_nowhere(anybody: Isolated) -> None:
    """The secret lies elsewhere, and only a link to it in a folder of ours."""
    folder, secret = anybody.home / ".tameflare", anybody.home / "key-elsewhere"
    folder.mkdir(exist_ok=True)
    secret.write_text("canary")
    (folder / "ca.key").symlink_to(secret)
    try:
        assert anybody.shell("cat ~/key-elsewhere").out == ""
    finally:
        (folder / "ca.key").unlink()


def test_a_second_name_of_a_secret_is_refused(anybody: Isolated) -> None:
    config, other = anybody.project / ".tf" / "config.yaml", anybody.home / "also"
    other.hardlink_to(config)
    try:
        ended = anybody.shell("true")
    finally:
        other.unlink()
    assert ended.code == 1
    assert ended.err == f"tf: `{config}` has a second name (hard link), which cannot be hidden; remove the other name\n"


def elsewhere(anybody: Isolated, mounting: str, script: str) -> str:
    """What a script inside says, where the run starts in a mount namespace in which something is mounted first."""
    words = anybody.words("-q", "--isolate", "--", "sh", "-c", script)
    cut = words.index(anybody.python)
    mounting = f'{mounting} && exec "$@"'
    command = [
        *words[:cut],
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        mounting,
        "sh",
        *words[cut:],
    ]
    done = subprocess.run(command, env=anybody.environment(), cwd=anybody.project, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout


def test_a_bind_mount_of_a_secret_is_hidden_too(isolated: Isolated) -> None:
    second = isolated.home / "second"
    second.mkdir()
    isolated.give(second)
    mounting = f'mount --bind "{isolated.project}" "{second}"'
    assert elsewhere(isolated, mounting, "ls -A ~/second/.tf; ls -A ~/second | grep -c tf") == "1\n"


def test_a_second_mount_of_everything_shows_no_more_than_the_first(isolated: Isolated) -> None:
    """The home lies in /tmp, which is private inside; so does a socket, and the file system is mounted once more."""
    with bound(isolated.home / "agent.sock"):
        at = f"/mnt{isolated.home}"
        script = (
            "ls -A /mnt/etc | grep -c passwd$; ls -A /mnt/tmp /mnt/run /mnt/dev /mnt/proc; "
            f"cat {at}/project/.tf/* 2>&1 | grep gwtk; true"
        )
        told = elsewhere(isolated, "mount --rbind / /mnt", script).split()
    assert told == ["1", "/mnt/dev:", "/mnt/proc:", "/mnt/run:", "/mnt/tmp:"]


def test_the_working_directory_may_lie_below_the_project(anybody: Isolated) -> None:
    below = anybody.project / "src" / "deep"
    below.mkdir(parents=True, exist_ok=True)
    ended = anybody.run("sh", "-c", "pwd; ls -A ../../.tf; cat ../../.tf/config.yaml", options=["-q"], where=below)
    assert ended.out == f"{below}\n"


def test_a_hidden_working_directory_is_told(anybody: Isolated) -> None:
    below = anybody.project / ".tf" / "below"
    below.mkdir()
    anybody.give(below)
    try:
        ended = anybody.run("true", where=below)
    finally:
        below.rmdir()
    assert ended.code == 1
    assert "is hidden by isolation; start from another directory" in ended.err


def test_a_place_in_tmp_can_be_shown(anybody: Isolated, tmp_path: Path) -> None:
    place = Path("/tmp") / f"tf-shown-{os.getpid()}"
    place.mkdir()
    (place / "file").write_text("seen")
    try:
        assert anybody.shell(f"cat {place}/file").code == 1
        assert anybody.shell(f"cat {place}/file", options=["-q", "--show", str(place)]).out == "seen"
    finally:
        shutil.rmtree(place)


def test_variables_that_lead_outside_are_not_handed_on(anybody: Isolated) -> None:
    outside = {
        "SSH_AUTH_SOCK": "/x",
        "DBUS_SESSION_BUS_ADDRESS": "/x",
        "DOCKER_HOST": "x",
        "TMPDIR": "/tmp/mine",
        "MINE": "1",
    }
    names = " ".join(outside)
    script = f'for name in {names}; do eval "echo \\$name=\\${{$name-unset}}"; done'
    (Path("/tmp") / "mine").mkdir(exist_ok=True)
    told = anybody.shell(script, **outside).out.split()
    assert told == [*(f"{name}=unset" for name in list(outside)[:-1]), "MINE=1"]
    kept = anybody.shell(script, options=["-q", "--keep-env", "DOCKER_HOST"], **outside).out.split()
    assert "DOCKER_HOST=x" in kept


@pytest.mark.skipif(os.geteuid() != 0, reason="for root's own runs")
def test_root_cannot_change_the_system_but_works_where_it_stands(tmp_path: Path, isolated: Isolated) -> None:
    """Else a job of cron would do what the command may not."""
    if isolated.user != 0:
        pytest.skip("only root")
    work = Path("/var/lib") / f"tf-work-{os.getpid()}"
    work.mkdir()
    script = "for place in /etc /usr /var/lib /boot; do touch $place/tf-x && echo open; done; touch here && echo here"
    try:
        env = {"TF_GATEWAY_TOKEN": "x", "GATEWAY_URL": isolated.proxy.url}
        ended = isolated.run("sh", "-c", script, options=["-q"], where=work, **env)
    finally:
        shutil.rmtree(work)
    assert ended.out == "here\n"
    assert ended.err.count("Read-only file system") == 4


def test_a_socket_that_is_shown_is_a_door_that_was_opened(anybody: Isolated) -> None:
    path = anybody.home / "opened.sock"
    with bound(path):
        program = "import socket,sys; socket.socket(1).connect(sys.argv[1]); print('through')"
        ended = anybody.run("python3", "-c", program, str(path), options=["-q", "--show", str(path)])
    assert ended.out == "through\n"


@pytest.mark.parametrize("name", ["HOME", "WGETRC", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"])
def test_no_link_that_an_earlier_run_left_brings_a_hidden_file_in(isolated: Isolated, name: str) -> None:
    place = isolated.home / ".wgetrc"
    try:
        isolated.shell("ln -s $PWD/.tf/config.yaml ~/.wgetrc")
        more = {} if name == "HOME" else {name: str(place)}
        ended = isolated.shell('cat "$WGETRC" "$SSL_CERT_FILE"; grep -rs gwtk_canary /tmp', options=(), **more)
    finally:
        place.unlink()
    assert "ca_certificate" in ended.out
    assert "BEGIN CERTIFICATE" in ended.out
    assert "gwtk_canary" not in ended.out
    assert f"`{place}` is left out of this run" in ended.err


def test_settings_that_are_hidden_are_not_copied(isolated: Isolated) -> None:
    place = isolated.home / ".wgetrc"
    place.write_text("user = canary\n")
    isolated.give(place)
    try:
        assert "canary" in isolated.shell('cat "$WGETRC"').out
        assert "canary" not in isolated.shell('cat "$WGETRC" ~/.wgetrc', options=("-q", "--hide", str(place))).out
    finally:
        place.unlink()


def test_what_completion_offers_cannot_be_changed_from_inside(isolated: Isolated) -> None:
    script = "ls -A ~/.cache/tameflare; echo '{}' > ~/.cache/tameflare/names.json; mv ~/.cache/tameflare ~/moved"
    assert isolated.shell("true").code == 0
    kept = (isolated.home / ".cache" / "tameflare" / "names.json").read_text()
    assert isolated.shell(script).out == ""
    assert (isolated.home / ".cache" / "tameflare" / "names.json").read_text() == kept
