"""Memory of `make run` at rest: PSS of all its processes, `rest_s` seconds after it is ready.

The peer is the embedding model alone in a process of its own, loaded by raw sentence-transformers.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import IO

from core.errors import StartupFailed
from evals.measure.memory import by_name, pss_mb

READY = "Dashboard"
MODEL_ALONE = """
from sentence_transformers import SentenceTransformer
from deployments.encoder import packaged_model
SentenceTransformer(str(packaged_model())).encode(["warm"])
print("Dashboard", flush=True)
input()
"""


def run(*, rest_s: float = 20.0) -> Mapping[str, object]:
    """Start `python -m bot` as a console, wait, add up, stop it."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        parts = at_rest(["-m", "bot"], rest_s, DATA_DIR=folder)
        alone = at_rest(["-c", MODEL_ALONE], rest_s=1.0)
    for name, size_mb in parts.items():
        print(f"{size_mb:8.1f} MB  {name}")
    return {
        "pss_mb": round(sum(parts.values()), 1),
        "processes": len(parts),
        "model_alone_pss_mb": round(sum(alone.values()), 1),
        "largest": {name: round(size_mb, 1) for name, size_mb in list(parts.items())[:5]},
    }


def at_rest(arguments: list[str], rest_s: float, **variables: str) -> dict[str, float]:
    """PSS in MB by process name of `python arguments`, `rest_s` seconds after it says that it is ready."""
    command = ["env", *(f"{name}={value}" for name, value in variables.items()), sys.executable, *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        _wait_until_ready(process.stdout)
        time.sleep(rest_s)
        return {name: size for name, size in by_name(process.pid).items() if size} or {"?": pss_mb(process.pid)}
    finally:
        process.stdin.close()
        process.wait(60)


def _wait_until_ready(output: IO[str]) -> None:
    said: list[str] = []
    for line in output:
        said.append(line.strip())
        if READY in line:
            return
    raise StartupFailed(f"It did not start: {' '.join(said)[-500:]}", "See what it says.")
