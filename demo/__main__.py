"""`make demo`: start everything on this machine, bring in the sample channel, ask five questions, stop.

`python -m demo --picture FILE.svg` also draws the questions and answers as the terminal shows them.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from rich.console import Console

from config.configuration import load_configuration
from core.errors import BotError
from demo.site import HERE, served
from demo.tour import tour

# Kept apart from what `make run` keeps; the second run finds the talks here.
DATA_DIR = "var/demo"


async def main(picture: Path | None) -> int:
    """The exit code: 0 if the talks came in and every question got a reply."""
    started = time.monotonic()
    configuration = load_configuration(None, Path(".env"), DATA_DIR=DATA_DIR, **HERE)
    configuration.configure_log()
    console = Console(record=True, width=100, force_terminal=True) if picture else Console()
    console.print("Starting Ray and Serve on this machine …")
    from deployments import cluster  # Ray takes seconds to import; bad settings are told before.

    with served() as feed:
        async with cluster.running(configuration) as running:
            console.print(f"Ready after {time.monotonic() - started:.0f} s.", highlight=False)
            # A moving bar makes no picture: what was shown before the questions is forgotten.
            forget = console.export_text if picture else lambda: None
            done = await tour(running.assistant, feed, console, before_asking=forget)
            if picture:
                console.save_svg(str(picture), title="make demo")
            console.print("\nStopping …")
    console.print(f"Done in {time.monotonic() - started:.0f} s.", highlight=False)
    return 0 if done else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--picture", type=Path, help="draw the questions and answers as SVG")
    try:
        sys.exit(asyncio.run(main(parser.parse_args().picture)))
    except BotError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
