"""One bot for each data folder."""

import multiprocessing
import os
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from core.errors import StartupFailed, WriteFailed
from deployments.instance import Addresses, held, running

HERE = Addresses(os.getpid(), "127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3")


def _hold(folder: Path, holding: Event, leave: Event) -> None:
    with held(folder) as instance:
        instance.publish(Addresses(os.getpid(), "ray", "http://127.0.0.1:9", "dashboard"))
        holding.set()
        leave.wait(60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_it_can_be_found_while_it_runs_only(folder: Path) -> None:
    assert running(folder) is None
    with held(folder) as instance:
        assert running(folder) is None
        instance.publish(HERE)
        assert running(folder) == HERE
    assert running(folder) is None


def test_a_second_one_is_told_where_the_first_is_and_a_crash_frees_the_folder(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    holding, leave = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(folder, holding, leave))
    process.start()
    try:
        assert holding.wait(60)
        with pytest.raises(StartupFailed, match=rf"process {process.pid}, API at http://127.0.0.1:9"), held(folder):
            pass
    finally:
        process.kill()
        process.join()
    assert running(folder) is None
    with held(folder):
        pass


def test_one_that_is_just_starting_is_told_too(folder: Path) -> None:
    with held(folder), pytest.raises(StartupFailed, match="just starting"), held(folder):
        pass


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteFailed, match="DATA_DIR"), held(tmp_path / "file" / "data"):
        pass


def test_a_broken_record_counts_as_none(folder: Path) -> None:
    with held(folder) as instance:
        instance.publish(HERE)
        (folder / "bot.json").write_text('{"pid": 1')
        assert running(folder) is None
