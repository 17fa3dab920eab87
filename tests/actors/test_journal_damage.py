"""A torn log, a torn page, a scribbled file: what was acknowledged is whole, or it is said that it cannot be read."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from actors.runtime_journal import SqlJournal
from core.entities import Find
from core.errors import BotError, JournalUnreadable
from tests.actors.journal_commits import STREAMS, commit, everything
from tests.actors.journals import SHARD, append, file_of, fill, fresh_url, kept, opened

PAGE = 4_096  # bytes of a page of SQLite's
LOG_HEADER, FRAME_HEADER = 32, 24
CHANCE = random.Random(3)


class Crashed(NamedTuple):
    """Files as a power cut would leave them, and what was in the journal after the last commit and the one before."""

    file: bytes
    log: bytes
    log_before: int
    whole: list[object]
    before: list[object]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Crashed:
    url = fresh_url("sqlite", tmp_path_factory.mktemp("crashed"))
    with opened(url, "one") as journal:
        for number in range(1, 11):
            commit(journal, number)
    file = file_of(url)
    log = file.with_name(f"{file.name}-wal")
    with opened(url, "one") as journal:
        commit(journal, 11)
        commit(journal, 12)
        before, log_before = everything(journal), log.stat().st_size
        commit(journal, 13)
        return Crashed(file.read_bytes(), log.read_bytes(), log_before, everything(journal), before)


def restored(folder: Path, file: bytes, log: bytes = b"") -> str:
    """A journal of these files."""
    url = fresh_url("sqlite", folder)
    path = file_of(url)
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir()
    path.write_bytes(file)
    if log:
        path.with_name(f"{path.name}-wal").write_bytes(log)
    return url


def places(crashed: Crashed) -> list[int]:
    """Where the last commit's part of the log may be torn: at both ends of each frame and of its header, and within."""
    frame = FRAME_HEADER + PAGE
    starts = range(crashed.log_before, len(crashed.log), frame)
    within = (0, 1, FRAME_HEADER - 1, FRAME_HEADER, FRAME_HEADER + 100, frame - 1)
    chosen = [starts[0], starts[len(starts) // 2], starts[-1]]
    return [start + offset for start in chosen for offset in within]


def test_the_last_commit_is_there_as_a_whole_where_the_log_is(tmp_path: Path, crashed: Crashed) -> None:
    assert len(places(crashed)) == 18
    with opened(restored(tmp_path, crashed.file, crashed.log)) as journal:
        assert everything(journal) == crashed.whole


@pytest.mark.parametrize("how", ["cut", "scribbled", "zeroed"])
def test_a_torn_log_loses_the_torn_commit_as_a_whole_and_no_other(tmp_path: Path, crashed: Crashed, how: str) -> None:
    for place in places(crashed):
        log = bytearray(crashed.log)
        if how == "cut":
            del log[place:]
        elif how == "zeroed":
            log[place:] = bytes(len(log) - place)
        else:
            log[place] ^= 0xFF
        with opened(restored(tmp_path, crashed.file, bytes(log)), "one") as journal:
            assert everything(journal) == crashed.before
            commit(journal, 13)
            assert everything(journal) == crashed.whole


def test_pages_torn_while_the_log_was_being_copied_are_mended_from_it(tmp_path: Path, crashed: Crashed) -> None:
    file = bytearray(crashed.file)
    in_log = range(LOG_HEADER, len(crashed.log), FRAME_HEADER + PAGE)
    pages = {int.from_bytes(crashed.log[at : at + 4]) for at in in_log}
    torn = [page for page in pages if page * PAGE <= len(file)]
    assert len(torn) > 5
    for page in torn:
        middle = (page - 1) * PAGE + CHANCE.randrange(PAGE)
        file[middle : page * PAGE] = CHANCE.randbytes(page * PAGE - middle)
    with opened(restored(tmp_path, bytes(file), crashed.log)) as journal:
        assert everything(journal) == crashed.whole


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[object]]:
    """A journal in one file, and what is in it."""
    url = fresh_url("sqlite", tmp_path_factory.mktemp("closed"))
    with opened(url, "one") as journal:
        for number in range(1, 6):
            commit(journal, number)
        found = everything(journal)
    return file_of(url).read_bytes(), found


def looked_at(url: str) -> list[object]:
    """All that is in a journal, as its readers take it. Raises what they would meet."""
    with opened(url) as journal:
        found = everything(journal)
        bodies = [due.effect.body for due in journal.due("Counter", 1e9, 100)]
        for stream in STREAMS:
            bodies += [record.body for record in journal.find(stream, Find())]
            bodies += [each.reply for each in journal.history(stream)[1]]
    for body in bodies:
        json.loads(body)
    return found


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"\xff" * PAGE,
        lambda _: CHANCE.randbytes(PAGE),
        lambda page: page[: PAGE // 2] + bytes(PAGE // 2),
        lambda page: CHANCE.randbytes(PAGE // 2) + page[PAGE // 2 :],
    ],
    ids=["overwritten", "scribbled", "half of zeros", "half scribbled"],
)
def test_a_page_that_was_spoilt_is_never_read_as_something_else(
    tmp_path: Path, closed: tuple[bytes, list[object]], spoil: Callable[[bytes], bytes]
) -> None:
    file, found = closed
    named = []
    for at in range(0, len(file), PAGE):
        url = restored(tmp_path, file[:at] + spoil(file[at : at + PAGE]) + file[at + PAGE :])
        try:
            assert looked_at(url) == found, "what is spoilt is in no use"
        except (JournalUnreadable, ValueError) as error:
            named.append(isinstance(error, ValueError) or str(file_of(url)) in error.problem)
    assert all(named)
    assert len(named) > len(file) // PAGE * 3 // 4
    assert looked_at(restored(tmp_path, file)) == found


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file[: len(file) // 2],
        lambda file: b"\0" * PAGE + file[PAGE:],
        lambda _: b"a letter to somebody" * 500,
        lambda file: file[:100],
        lambda file: file.replace(b"journal_version", b"journal_mission"),
        lambda file: file.replace(b"Counter/b 3 C", b"Counter/\xff 3 C"),
    ],
    ids=["half", "no header", "a letter", "a piece", "no version", "no text"],
)
def test_what_is_no_whole_journal_is_refused(
    tmp_path: Path, closed: tuple[bytes, list[object]], spoil: Callable[[bytes], bytes]
) -> None:
    file, found = closed
    url = restored(tmp_path, spoil(file))
    with pytest.raises(JournalUnreadable) as refused:
        looked_at(url)
    assert str(file_of(url)) in refused.value.problem
    assert looked_at(restored(tmp_path, file)) == found


def test_a_file_whose_last_page_is_torn_is_refused_or_read_as_torn(
    tmp_path: Path, closed: tuple[bytes, list[object]]
) -> None:
    file, _ = closed
    for missing in (1, PAGE // 2, PAGE - 1, PAGE):
        with pytest.raises((JournalUnreadable, ValueError)):
            looked_at(restored(tmp_path, file[:-missing]))


def test_a_file_that_is_scribbled_on_while_it_is_open_is_refused_and_nothing_is_made_up(tmp_path: Path) -> None:
    url = fresh_url("sqlite", tmp_path)
    with opened(url, "one") as journal:
        appended = fill(journal, "Counter/a", 500)
    backup = file_of(url).read_bytes()
    journal = SqlJournal(url)
    try:
        with file_of(url).open("r+b") as file:
            file.seek(PAGE)
            file.write(b"\xff" * (len(backup) - PAGE))
        for call in (
            lambda: kept(journal, "Counter/a"),
            lambda: journal.commit(SHARD, "one", [append("Counter/a", 501)]),
        ):
            with pytest.raises(BotError, match=r"journal\.db .*Restore it from a backup"):
                call()
    finally:
        journal.close()
    with opened(restored(tmp_path, backup), "one") as again:
        assert list(kept(again, "Counter/a")) == appended
