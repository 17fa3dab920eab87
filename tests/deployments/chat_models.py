"""What the tests of the chat model share: arms at a scripted provider, one question, and a good reply."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from pydantic import SecretStr

from core.arms import ModelArm
from core.messages import Recording, Sentence
from core.prompting import Completion, DraftClaim, Evidence, Prompt
from core.results import Ok, StepResult
from deployments.chat_model import ChatModel
from tests.fakes.openai import FakeOpenAI

TALK = Recording("r1", "https://talks.example/r1", "Why seagulls dance", "Ada Bird")
WORDS = "Seagulls stamp on the grass because worms take the drumming for rain and come up."
PROMPT = Prompt("Why do seagulls stamp on the grass?", (Evidence(1, TALK, Sentence(3.0, 9.0, WORDS), 0.8),))
CLAIM = DraftClaim("It brings worms up.", ((1, "worms take the drumming for rain"),))
GOOD = json.dumps({"claims": [{"text": CLAIM.text, "quotes": [{"source": 1, "quote": CLAIM.quotes[0][1]}]}]})


def arm(name: str, server: FakeOpenAI, timeout_s: float = 5.0, **more: object) -> ModelArm:
    return ModelArm(name, f"openai/{name}", SecretStr("sk-made-up"), server.url, timeout_s, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def chat(*arms: ModelArm, deadline_s: float = 20.0) -> AsyncIterator[ChatModel]:
    model = ChatModel(arms, deadline_s=deadline_s, rng=Random(1))
    yield model
    await model.close()


def completed(result: StepResult[Completion]) -> Completion:
    assert isinstance(result, Ok), result
    return result.data
