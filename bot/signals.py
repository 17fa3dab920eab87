"""Ctrl-C and SIGTERM for as long as something runs; afterwards whatever stood before stands again."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any


class OnSignals:
    """While entered, each of `numbers` calls `act` on the event loop.

    Where the loop cannot take signals (Windows, or not the main thread) the caller's own handling stands.
    """

    def __init__(self, act: Callable[[], object], *numbers: signal.Signals) -> None:
        self._act = act
        self._numbers = numbers
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in self._numbers:
            before = signal.getsignal(number)
            try:
                loop.add_signal_handler(number, self._act)
            except (NotImplementedError, RuntimeError, ValueError):
                continue
            self._before[number] = before

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            asyncio.get_running_loop().remove_signal_handler(number)
            # The loop puts back Python's default; asyncio.run's own handler would be lost.
            signal.signal(number, before)
