"""Percentiles, spreads, and the memory of a process tree."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evals.measure.memory import by_name, pss_mb, tree
from evals.measure.spread import percentile, spread

HOLD = "held = bytearray({size}); print('ready', flush=True); input()"


def test_percentiles_interpolate() -> None:
    assert percentile([1, 2, 3, 4], 50) == 2.5
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_the_tree_and_its_memory_count_a_child() -> None:
    held = 40_000_000
    before = by_name(os.getpid())
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(size=held)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        assert child.pid in tree(os.getpid())
        assert held / 1e6 < pss_mb(child.pid) < held / 1e6 + 60
        assert sum(by_name(os.getpid()).values()) > sum(before.values()) + held / 1e6 / 2
    finally:
        child.communicate("\n")
    assert child.pid not in tree(os.getpid())
    assert pss_mb(child.pid) == 0


def test_names_are_what_people_know(tmp_path: Path) -> None:
    def process(pid: int, parent: int, cmdline: str, pss_kb: int) -> None:
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} (a (b) c) S {parent} 0 0")
        (folder / "cmdline").write_text(cmdline.replace(" ", "\0"))
        (folder / "smaps_rollup").write_text(f"Rss: 1 kB\nPss:  {pss_kb} kB\n")

    process(1, 0, "/usr/bin/python3 -m bot", 1000)
    process(2, 1, "ray::ServeReplica:bot:Embedder", 4000)
    process(3, 2, "/ray/core/raylet --flag", 2000)
    process(4, 0, "/usr/bin/other", 9000)
    process(5, 1, "", 1)
    assert by_name(1, tmp_path) == pytest.approx(
        {"bot:Embedder": 4.096, "raylet": 2.048, "bot": 1.024, "kernel": 0.001}, abs=1e-3
    )
