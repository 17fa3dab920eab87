"""When trimming is worth its time: what it takes against what it saves, before it is begun."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrimCosts:
    """What trimming and a model's reading take.

    `trim_ms_per_1000_tokens`: `python -m evals.bench trim` measures it; it is for text whose vectors are stored, and
    more where sentences are embedded first. `expected_reduction`: the share of tokens that goes, by `python -m evals
    trimming`. `read_tokens_per_s`: how fast the model reads a prompt. `usd_per_1000_tokens`: what that costs.
    `usd_per_s`: what a second of waiting is worth to an operator. Below `least_tokens` there is nothing to choose from.
    """

    trim_ms_per_1000_tokens: float = 8.0
    expected_reduction: float = 0.35
    read_tokens_per_s: float = 5_000.0
    usd_per_1000_tokens: float = 0.0
    usd_per_s: float = 0.001
    least_tokens: int = 120


def reason_not_to_trim(tokens: int, costs: TrimCosts) -> str:
    """Why `tokens` tokens are better sent as they are, in words for a log; "" where trimming pays."""
    if tokens < costs.least_tokens:
        return f"{tokens} tokens leave nothing to choose from"
    takes_s = tokens / 1000 * costs.trim_ms_per_1000_tokens / 1000
    saved = tokens * costs.expected_reduction
    saves_s = saved / costs.read_tokens_per_s
    saves_usd = saved / 1000 * costs.usd_per_1000_tokens
    if (takes_s - saves_s) * costs.usd_per_s <= saves_usd:
        return ""
    return f"it takes {1000 * takes_s:.0f} ms and saves {1000 * saves_s:.0f} ms of reading and {saves_usd:.6f} USD"
