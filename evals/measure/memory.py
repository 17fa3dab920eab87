"""Memory of a tree of processes, as the kernel accounts for it.

PSS (proportional set size) counts a page that n processes share as 1/n in each, so that a sum over processes is right.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

PROC = Path("/proc")
_SIZE = r"^{}:\s+(\d+) kB$"


def tree(root: int, proc: Path = PROC) -> list[int]:
    """`root` and all processes below it."""
    children: Mapping[int, list[int]] = _children(proc)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def pss_mb(pid: int, proc: Path = PROC) -> float:
    """The process's PSS in MB (10^6 bytes); 0 where it has ended."""
    return _size_mb("Pss", pid, proc)


def anonymous_mb(pid: int, proc: Path = PROC) -> float:
    """What the process has made and no file backs, in MB: unlike its PSS, other processes' coming and going changes
    nothing of it. 0 where it has ended.
    """
    return _size_mb("Anonymous", pid, proc)


def _size_mb(field: str, pid: int, proc: Path) -> float:
    try:
        match = re.search(_SIZE.format(field), (proc / str(pid) / "smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(match.group(1)) * 1024 / 1e6 if match else 0.0


def named(root: int, name: str, proc: Path = PROC) -> list[int]:
    """The processes below `root` that call themselves `name`, as `by_name` has it."""
    return [pid for pid in tree(root, proc) if _name(pid, proc) == name]


def by_name(root: int, proc: Path = PROC) -> dict[str, float]:
    """PSS in MB of the tree below `root`, added up by what each process calls itself, largest first."""
    sums: dict[str, float] = defaultdict(float)
    for pid in tree(root, proc):
        sums[_name(pid, proc)] += pss_mb(pid, proc)
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def _name(pid: int, proc: Path) -> str:
    try:
        words = (proc / str(pid) / "cmdline").read_text(errors="replace").replace("\0", " ").split()
    except OSError:
        return "ended"
    title = words[0] if words else "kernel"
    # Ray's workers rename themselves: ray::ServeReplica:bot:Embedder.
    if title.startswith("ray::"):
        return title.removeprefix("ray::").removeprefix("ServeReplica:")
    # Of `python -u some/script.py` and `python -m module`, the script or module.
    named = [word for word in words[1:] if not word.startswith("-")]
    return Path(named[0] if Path(title).name.startswith("python") and named else title).name


def _children(proc: Path) -> Mapping[int, list[int]]:
    children: dict[int, list[int]] = defaultdict(list)
    for folder in proc.iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text()
            except OSError:
                continue
            # The name in brackets may hold blanks and brackets; the parent is the second word after it.
            children[int(status.rpartition(")")[2].split()[1])].append(int(folder.name))
    return children
