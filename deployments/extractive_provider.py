"""`local/extractive` as a LiteLLM provider. Imported late: it imports litellm."""

import json
from collections.abc import Sequence
from typing import Any

import litellm
from litellm.llms.custom_llm import CustomLLM

from core.extractive import answer
from core.prompting import DraftClaim, Prompt
from deployments.model_router import PROMPT_KEY


class ExtractiveProvider(CustomLLM):
    """Answers with the best sentences of the evidence, in the form in which the other models answer."""

    async def acompletion(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - LiteLLM passes names only
        model_response = kwargs["model_response"]
        prompt = kwargs["litellm_params"]["metadata"][PROMPT_KEY]
        if not isinstance(prompt, Prompt):
            raise TypeError(f"metadata[{PROMPT_KEY!r}] is {type(prompt).__name__}, not a Prompt.")
        model_response.model = "extractive"
        model_response.choices[0].message.content = _as_reply(answer(prompt))
        # Without a usage LiteLLM would count the tokens itself, which takes longer than the answer.
        model_response.usage = litellm.Usage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
        return model_response


def _as_reply(claims: Sequence[DraftClaim]) -> str:
    entries = [
        {"text": claim.text, "quotes": [{"source": source, "quote": words} for source, words in claim.quotes]}
        for claim in claims
    ]
    return json.dumps({"claims": entries})
