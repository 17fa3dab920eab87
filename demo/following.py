"""`python -m demo.following --picture FILE.svg`: follow the sample channel in the console, and draw what it shows."""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bot.console import TENANT, run_console
from config.configuration import load_configuration
from core.ports import Curator
from core.results import Ok
from demo.site import HERE, served

_PATIENCE_S = 300.0


class Script:
    """Lines that are typed one after the other; before one that begins with "…", all of the channel has come in."""

    def __init__(self, lines: Iterator[str], curator: Curator, console: Console) -> None:
        self._lines, self._curator, self._console = lines, curator, console

    async def read(self) -> str | None:
        line = next(self._lines, None)
        if line is not None and line.startswith("…"):
            await self._all_is_here()
        if line is not None:
            self._console.print(f"ask> {line.lstrip('…')}", style="bold", highlight=False, markup=False)
        return line and line.lstrip("…")

    async def _all_is_here(self) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            while not await self._is_complete():  # noqa: ASYNC110 - the workers go on meanwhile
                await asyncio.sleep(0.5)

    async def _is_complete(self) -> bool:
        following = await self._curator.following(TENANT)
        if not isinstance(following, Ok) or not following.data:
            return False
        completeness = following.data[0].completeness
        return completeness.listing_done and not completeness.waiting


async def main(picture: Path) -> None:
    """Start the bot, follow, ask, and write the picture."""
    from deployments import cluster  # Ray takes seconds to import; bad settings are told before.

    console = Console(record=True, width=110, force_terminal=True)
    with tempfile.TemporaryDirectory(prefix="demo-", ignore_cleanup_errors=True) as folder, served() as feed:
        configuration = load_configuration({}, None, DATA_DIR=folder, **HERE)
        async with cluster.running(configuration) as running:
            typed = iter(
                (
                    f"/follow {feed} back=20000 without=tokenizers",
                    "…/following",
                    "/queue",
                    "Why is it a mistake to hide your code until it is finished?",
                )
            )
            script = Script(typed, running.curator, console)
            await run_console(
                running.assistant, curator=running.curator, announcer=running.announcer, console=console, lines=script
            )
    console.save_svg(str(picture), title="following a channel")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m demo.following", description=__doc__)
    parser.add_argument("--picture", type=Path, required=True, help="where to draw it, as SVG")
    asyncio.run(main(parser.parse_args().picture))
