"""A node is lost with the shards on it, and other nodes go on where it was: what was acknowledged is there, once."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.cluster.node_loss import TOLD

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


def test_shards_of_a_lost_node_come_up_on_another_and_nothing_acknowledged_is_lost() -> None:
    # Ray's sockets lie in its folder, and a socket's path may have 107 characters only: pytest's folders are too deep.
    with tempfile.TemporaryDirectory(prefix="two-", ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-m", "tests.cluster.node_loss", folder]
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-3000:]
        told = json.loads(Path(folder, TOLD).read_text())
    assert told["shards_lost"], "all shards were on the other node"
    for key, adds in told["adds"].items():
        acknowledged, unanswered = told["acknowledged"][key], told["unanswered"][key]
        assert acknowledged <= adds <= acknowledged + unanswered
