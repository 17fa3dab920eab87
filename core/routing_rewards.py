"""What an answer of a model is worth: quality, speed and cheapness in one number from 0 to 1, weighted by tenant."""

import math

from core.entities import State
from core.errors import BadInput


class RewardWeights(State, frozen=True):
    """How much quality, latency and cost count, and what is as bad as it gets: that latency and cost count as 0.

    The weights are scaled to a sum of 1.
    """

    quality: float = 0.5
    latency: float = 0.3
    cost: float = 0.2
    latency_limit_s: float = 30.0
    cost_limit_usd: float = 0.05

    def check(self) -> "RewardWeights":
        """These weights. Raises BadInput where one is negative, all are 0, or a limit is no positive number."""
        weights = (self.quality, self.latency, self.cost)
        if not all(0.0 <= weight <= 1e6 for weight in weights) or not sum(weights) > 0.0:
            raise BadInput(f"The reward's weights are {weights}.", "Give weights of 0 or more, not all of them 0.")
        if not all(0.0 < limit < math.inf for limit in (self.latency_limit_s, self.cost_limit_usd)):
            raise BadInput(
                "A reward's limit is no positive number.", "Give a latency in seconds and a cost in US dollars."
            )
        return self


def reward_of(weights: RewardWeights, quality: float, latency_s: float, cost_usd: float) -> float:
    """The reward, 0 to 1: `quality` is 0 to 1, latency and cost count linearly up to their limits.

    Raises BadInput where quality is out of its range, or latency or cost negative or no finite number.
    """
    if not 0.0 <= quality <= 1.0:
        raise BadInput(f"The quality {quality} is not within 0 and 1.", "Scale it, or leave the reward out.")
    for name, value in (("latency_s", latency_s), ("cost_usd", cost_usd)):
        if not 0.0 <= value < math.inf:
            raise BadInput(f"The {name} {value} of a reward is no amount.", "Measure it, or leave the reward out.")
    fast = 1.0 - min(1.0, latency_s / weights.latency_limit_s)
    cheap = 1.0 - min(1.0, cost_usd / weights.cost_limit_usd)
    total = weights.quality + weights.latency + weights.cost
    return min(1.0, (weights.quality * quality + weights.latency * fast + weights.cost * cheap) / total)


def price_belief(price: float, lowest: float, highest: float, strength: float = 0.15) -> float:
    """How much better than the dearest arm an arm of `price` is believed to be, before any evidence: -strength to 0.

    By the logarithm of the price: what costs more is, as a rule, the better model. It is a weak belief that some dozens
    of observations overrule. 0 where the prices don't differ or one is unknown (not positive).
    """
    if not 0.0 < lowest < highest < math.inf or not lowest <= price <= highest:
        return 0.0
    return -strength * (1.0 - math.log(price / lowest) / math.log(highest / lowest))
