"""SIGKILL at every named step of a commit: afterwards the journal is the old one or the new one, never half."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.journal import Step
from tests.actors.journal_commits import commit, everything
from tests.actors.journal_victim import COMPACTED_AT
from tests.actors.journals import KINDS, ROOT, fresh_url, opened, python

Victims = dict[tuple[str, Step], tuple[str, "subprocess.Popen[str]"]]
# How many commits are on disk beyond those that were acknowledged.
UNHEARD = {step: int(step is Step.BEFORE_REPLY) for step in Step}


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victims]:
    """A process for each step and database, all at once: each takes long to start."""
    running: Victims = {}
    for kind in KINDS:
        for step in Step:
            url = fresh_url(kind, tmp_path_factory.mktemp("victim"))
            command = python("tests.actors.journal_victim", url, step.value)
            running[kind, step] = url, subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE)
    yield running
    for _, victim in running.values():
        victim.kill()
        victim.wait()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", Step)
def test_a_kill_leaves_each_commit_whole_or_not_at_all(victims: Victims, kind: str, step: Step, tmp_path: Path) -> None:
    url, victim = victims[kind, step]
    with victim:
        said, _ = victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    acknowledged = [int(line) for line in said.split()]
    assert acknowledged == list(range(1, len(acknowledged) + 1))
    assert acknowledged, "it was killed before it did anything"
    on_disk = len(acknowledged) + UNHEARD[step]
    with opened(url, "one") as journal, opened(fresh_url("sqlite", tmp_path), "one") as reference:
        for number in range(1, on_disk + 1):
            commit(reference, number)
            if number == COMPACTED_AT and step is not Step.COMPACTION:
                reference.compact(4.0, 100)
        assert everything(journal) == everything(reference)
        if step is Step.COMPACTION:
            assert on_disk == COMPACTED_AT
        # Whoever takes over goes on from there.
        commit(journal, on_disk + 1)
        commit(reference, on_disk + 1)
        assert everything(journal) == everything(reference)
