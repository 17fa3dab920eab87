"""A full disk, a folder that cannot be written, a file that is gone: what was acknowledged stays, and work goes on."""

import shutil
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actors.runtime_journal import SqlJournal
from core.errors import BadInput, Unavailable, WriteFailed
from tests.actors.journal_visitor import STREAM, Visitor, visitor
from tests.actors.journals import SHARD, append, file_of, fill, fresh_url, kept, opened
from tests.ports import free_port

# A small disk of its own, which others do not see; where the machine allows none, files that may not grow do as well.
SMALL_DISK = ("unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=1m disk "$0" && exec "$@"')


def small_disks() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        return shutil.which("unshare") is not None and not subprocess.run([*SMALL_DISK, folder, "true"]).returncode


@pytest.fixture(params=["disk", "limit"])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Visitor, str, str]]:
    """A visitor, and the words after which nothing more fits and then something does."""
    on_disk = request.param == "disk" and small_disks()
    wrapped = [*SMALL_DISK, str(tmp_path)] if on_disk else []
    with visitor(fresh_url("sqlite", tmp_path), tmp_path, wrapped) as started:
        yield (started, "fill", "free") if on_disk else (started, "limit", "unlimit")


def test_a_full_disk_refuses_and_when_there_is_room_again_nothing_is_lost(full: tuple[Visitor, str, str]) -> None:
    guest, fill_up, make_room = full
    guest.did("open")
    acknowledged = [guest.did("commit") for _ in range(5)]
    for _ in range(2):
        guest.did(fill_up)
        for word in ("commit", "commit", "open"):
            error, text = guest.ask(word)
            assert error in ("", "WriteFailed")
            if not error:
                acknowledged += [text] if word == "commit" else []
                continue
            assert "journal.db" in text
            assert any(advice in text for advice in ("Make room on its disk", "whole and not full"))
            assert guest.did("load") == str(len(acknowledged))
        assert guest.ask("commit")[0] == "WriteFailed"
        guest.did(make_room)
        acknowledged.append(guest.did("commit"))
        assert guest.did("load") == acknowledged[-1] == str(len(acknowledged))
    guest.did("close")
    assert guest.did("load") == str(len(acknowledged))


def test_a_journal_is_not_begun_on_a_full_disk_and_is_as_soon_as_there_is_room(full: tuple[Visitor, str, str]) -> None:
    guest, fill_up, make_room = full
    guest.did(fill_up)
    for _ in range(2):
        error, text = guest.ask("open")
        assert error == "WriteFailed"
        assert "journal.db" in text
    guest.did(make_room)
    guest.did("open")
    assert guest.did("commit") == guest.did("load") == "1"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a user without rights can get to."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def test_a_read_only_folder_refuses_and_says_so_until_it_can_be_written(folder: Path) -> None:
    url = fresh_url("sqlite", folder)
    folder.chmod(0o555)
    with visitor(url, folder, unprivileged=True) as guest:
        error, text = guest.ask("open")
        assert error == "WriteFailed"
        assert "journal.db" in text
        assert "this user may write it" in text
        folder.chmod(0o755)
        guest.did("open")
        assert guest.did("commit") == guest.did("load") == "1"


def test_a_read_only_file_refuses_and_can_be_read(folder: Path) -> None:
    url = fresh_url("sqlite", folder)
    file = file_of(url)
    with visitor(url, folder, unprivileged=True) as guest:
        guest.did("open")
        guest.did("commit")
        guest.did("close")
        file.chmod(0o444)
        for word in ("commit", "open"):
            error, text = guest.ask(word)
            assert error == "WriteFailed"
            assert f"{file} (attempt to write a readonly database)" in text
            assert "Let this user write the file, its -wal and -shm, and the folder" in text
        assert guest.did("load") == "1"
        guest.did("close")
        for each in file.parent.iterdir():
            each.chmod(0o644)
        assert guest.did("commit") == guest.did("load") == "2"


def test_a_journal_that_was_moved_away_refuses_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    url = fresh_url("sqlite", tmp_path)
    file, away = file_of(url), tmp_path / "away"
    with opened(url, "one") as journal:
        appended = fill(journal, STREAM, 3)
        for taken, hidden in ((file, away), (file.parent, tmp_path / "folder")):
            taken.rename(hidden)
            with pytest.raises(WriteFailed, match=r"journal\.db"):
                journal.commit(SHARD, "one", [append(STREAM, len(appended) + 1)])
            with pytest.raises(Unavailable, match=r"was deleted, moved or replaced while in use.*put it back"):
                kept(journal, STREAM)
            assert not file.exists(), "nothing was begun anew"
            hidden.rename(taken)
            assert list(kept(journal, STREAM)) == appended
            write = append(STREAM, len(appended) + 1)
            assert not journal.commit(SHARD, "one", [write])
            appended = [*appended, write.entry] if write.entry else []
    with opened(url) as again:
        assert list(kept(again, STREAM)) == appended


@pytest.mark.parametrize("with_folder", [True, False])
def test_a_journal_that_was_deleted_refuses_until_a_backup_is_in_its_place(tmp_path: Path, with_folder: bool) -> None:
    url = fresh_url("sqlite", tmp_path)
    file, backup = file_of(url), tmp_path / "backup.db"
    with opened(url, "one") as journal:
        appended = fill(journal, STREAM, 3)
    shutil.copy(file, backup)
    with opened(url, "one") as journal:
        shutil.rmtree(file.parent)
        if not with_folder:
            file.parent.mkdir()
        with pytest.raises(WriteFailed):
            journal.commit(SHARD, "one", [append(STREAM, 4)])
        journal.close()
        with pytest.raises(Unavailable, match="Check that it is there"):
            kept(journal, STREAM)
        assert not file.exists(), "nothing was begun anew"
        file.parent.mkdir(exist_ok=True)
        shutil.copy(backup, file)
        assert list(kept(journal, STREAM)) == appended
        assert not journal.commit(SHARD, "one", [append(STREAM, 4)])


@pytest.mark.parametrize("name", ["journal.db-wal", "journal.db-shm"])
def test_a_log_that_was_deleted_takes_no_more_and_loses_nothing_when_all_stop(tmp_path: Path, name: str) -> None:
    url = fresh_url("sqlite", tmp_path)
    with opened(url, "one") as journal:
        appended = fill(journal, STREAM, 3)
        (file_of(url).parent / name).unlink()
        for _ in range(2):
            with pytest.raises(WriteFailed, match="Stop what uses it"):
                journal.commit(SHARD, "one", [append(STREAM, 4)])
    with opened(url, "one") as again:
        assert list(kept(again, STREAM)) == appended
        assert not again.commit(SHARD, "one", [append(STREAM, 4)])


def test_another_program_that_writes_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    url = fresh_url("sqlite", tmp_path)
    with opened(url, "one") as journal, closing(sqlite3.connect(file_of(url), check_same_thread=False)) as another:
        another.isolation_level = None
        another.execute("BEGIN IMMEDIATE")
        another.execute("INSERT INTO owners VALUES ('theirs', '')")
        ending = threading.Timer(0.2, another.execute, ("COMMIT",))
        ending.start()
        assert not journal.commit(SHARD, "one", [append(STREAM, 1)])
        ending.join()
        assert len(kept(journal, STREAM)) == 1


def test_a_replaced_journal_is_not_written_as_if_it_was_the_old_one(tmp_path: Path) -> None:
    url = fresh_url("sqlite", tmp_path)
    file, older = file_of(url), tmp_path / "older.db"
    with opened(url, "one") as journal:
        fill(journal, STREAM, 1)
    shutil.copy(file, older)
    with opened(url, "one") as journal:
        older.rename(file)
        with pytest.raises(WriteFailed, match="replaced while in use"):
            journal.commit(SHARD, "one", [append(STREAM, 2)])


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nonsense", "cannot be read"),
        ("", "cannot be read"),
        ("sqlite://", "names nothing that keeps"),
        ("sqlite:///:memory:", "names nothing that keeps"),
        ("mysql://secret@host/journal", "names nothing that keeps"),
    ],
)
def test_a_url_that_names_no_journal_is_refused_without_showing_it(url: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem) as refused:
        SqlJournal(url)
    assert "Take sqlite:///FILE or postgresql" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    url = f"postgresql://bot:secret@127.0.0.1:{free_port()}/journal?sslpassword=secret"
    journal = SqlJournal(url)
    for call in (journal.open, lambda: journal.claim(SHARD, "one"), lambda: journal.place("Counter", 1)):
        with pytest.raises(WriteFailed, match=r"bot:\*\*\*@127\.0\.0\.1.*Check that its server runs") as refused:
            call()
        assert "secret" not in str(refused.value)
    with pytest.raises(Unavailable, match="Check that its server runs"):
        journal.placement("Counter")
