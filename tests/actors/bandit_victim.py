"""A process that routes questions, says what its policy's state is, and is killed at once."""

import asyncio
import hashlib
import os
import signal
import sys

from actors.model_bandit import ModelBandit
from actors.runtime_host import ShardConfig
from core.entity_codec import to_json
from tests.core.one_policy import ARMS, QUALITY_ALONE, RULES, context

KEY = "answers"


def digest(bandit: ModelBandit) -> str:
    """Of all bits of the policy's state."""
    return hashlib.sha256(to_json(bandit._host.live[KEY].state).encode()).hexdigest()


async def route(url: str) -> None:
    bandit = ModelBandit(ShardConfig(url, snapshot_every=16), RULES, "v1", weights=QUALITY_ALONE)
    for number in range(60):
        features = (0.1 * (number % 7), -0.3 * (number % 5), 1.0 / (number + 1))
        choice = await bandit.choose(KEY, str(number), context(*features), ARMS, "small", number % 2 == 0)
        if number % 7:
            await bandit.observe(KEY, choice.decision_id, 1.0 / (1 + number % 3), 1.0, 0.001)
    sys.stdout.write(digest(bandit))
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(route(sys.argv[1]))
