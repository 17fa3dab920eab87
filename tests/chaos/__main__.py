"""`python -m tests.chaos --kills 200`: kill shards in every way under load, judge what is left, print one JSON line."""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import FAULTS, Options, run


def main() -> int:
    """The exit code: 0 if nothing was found that must not be."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=0, help="kill at least so often")
    parser.add_argument("--seconds", type=float, default=0.0, help="go on for at least so long")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, which is restarted now and then")
    parser.add_argument("--processes", type=int, default=3, help="processes of callers beside this one")
    parser.add_argument("--callers", type=int, default=24, help="callers in each process")
    parser.add_argument("--seed", type=int, help="repeat the choices of another run")
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    # An outage is what the limiter warns of, and here nothing but outages happen.
    logging.basicConfig(level=logging.ERROR)
    # Ray's sockets lie in its folder, and a socket's path may have 107 characters only.
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        figures = asyncio.run(run(Options(**given), Path(folder), _tell))
    sys.stdout.write(json.dumps(figures) + "\n")
    return int(any(figures[fault] for fault in FAULTS))


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
