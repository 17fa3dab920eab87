"""An arm: one language model that a question may be sent to."""

from dataclasses import dataclass

from pydantic import SecretStr

EXTRACTIVE = "local/extractive"
"""The arm that needs no provider. It always stands last, and no configured arm may take its name."""


@dataclass(frozen=True, slots=True)
class ModelArm:
    """A model by its LiteLLM name, with what is needed to call it.

    `api_key` is None for a server of one's own that asks for none. `timeout_s` bounds one attempt, in seconds. A
    `temperature` of None is the provider's own, which some models insist on. The costs are US dollars for one token;
    None takes LiteLLM's price list.
    """

    name: str
    model: str
    api_key: SecretStr | None = None
    api_base: str = ""
    timeout_s: float = 30.0
    max_output_tokens: int = 800
    json_mode: bool = True
    temperature: float | None = None
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
