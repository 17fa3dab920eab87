"""What tests of every room share."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """A real Ray on this machine, in a folder of its own, shared by all tests of the run."""
    import ray

    from actors.runtime import NAMESPACE

    # Ray's sockets lie in this folder, and a socket's path may have 107 characters only.
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    ray.init(
        address="local",
        namespace=NAMESPACE,
        num_cpus=os.cpu_count(),
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _temp_dir=str(folder),
    )
    yield
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
