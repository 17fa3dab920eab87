"""How every process of ours begins with Ray; and Ray alone on this machine, for measurements: without Serve."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from actors.runtime import NAMESPACE


@contextmanager
def local_ray() -> Iterator[str]:
    """Start Ray; gives the address at which other processes of this machine join it, and stops it at the end."""
    # A socket's path may have 107 characters only, and Ray's folders are deep: so a short name.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        init_ray(address="local", include_dashboard=False, num_cpus=os.cpu_count(), _temp_dir=folder)
        try:
            yield str(ray.get_runtime_context().gcs_address)
        finally:
            ray.shutdown()


@contextmanager
def joined_ray(address: str) -> Iterator[None]:
    """Use the Ray of another process, which goes on when this one leaves."""
    init_ray(address=address)
    try:
        yield
    finally:
        ray.shutdown()


def init_ray(**options: object) -> None:
    """Start Ray, or join one, in the bot's namespace and with nothing printed but errors."""
    for name in ("ray", "ray.serve"):
        logging.getLogger(name).setLevel(logging.ERROR)
    ray.init(
        namespace=NAMESPACE,
        log_to_driver=False,
        logging_level=logging.ERROR,
        configure_logging=False,
        **options,  # type: ignore[arg-type]  # Ray's options are many and of many types
    )
