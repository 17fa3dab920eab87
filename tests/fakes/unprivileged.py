"""Runs a program without root's rights, which PostgreSQL asks for and a read-only folder needs to be one."""

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_OWN_NAMESPACE = ("unshare", "--user", "--")


def start(command: Sequence[str | Path], folder: Path, **options: Any) -> subprocess.Popen[str]:
    """Start `command`, which may use `folder`. In a user namespace of its own root's files are its own and no more."""
    if os.geteuid() != 0:
        return subprocess.Popen(command, text=True, **options)
    if _namespaces():
        return subprocess.Popen([*_OWN_NAMESPACE, *command], text=True, **options)
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "nobody")
    return subprocess.Popen(command, text=True, user="nobody", extra_groups=[], **options)


@functools.cache
def _namespaces() -> bool:
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*_OWN_NAMESPACE, "true"], capture_output=True).returncode == 0
