import asyncio
import os
import signal
import threading

from bot.signals import OnSignals


async def test_the_signal_acts_once_entered_and_no_longer_after() -> None:
    before = signal.getsignal(signal.SIGTERM)
    came = asyncio.Event()
    with OnSignals(came.set, signal.SIGTERM):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(came.wait(), 5)
    assert signal.getsignal(signal.SIGTERM) == before


def test_in_another_thread_the_callers_own_handling_stands() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def enter() -> None:
        with OnSignals(lambda: None, signal.SIGTERM):
            assert signal.getsignal(signal.SIGTERM) == before

    thread = threading.Thread(target=lambda: asyncio.run(enter()))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == before
