"""What a routing policy is told (commands), what happened (events), and what callers get (replies).

A context is float32, little-endian: see `core.routing_context`. Probabilities and rewards are 0 to 1.
"""

from typing import TypeAlias

from core.entities import Message, State
from core.errors import BadInput
from core.linear_thompson import Evidence, Prior
from core.routing_rewards import RewardWeights

LEAST_EPSILON = 1e-4


class BanditRules(State, frozen=True):
    """How a policy decides and learns; none of it changes what its evidence means.

    `epsilon` is the share of the calls that any arm gets alike, 0 or at least LEAST_EPSILON: a decision of a smaller
    probability would weigh more than all others. A decision is made from `draws` draws. An observation multiplies its
    arm's earlier evidence by `keep`; a drift alarm by `keep_after_drift`. An alarm is raised where the rewards of an
    arm go on to differ from what was expected: `drift_slack` a time is allowed, and the rest may add up to
    `drift_limit` (a two-sided CUSUM, Page 1954). A reward that has not come after `patience_s` seconds is missing.
    """

    prior: Prior
    epsilon: float = 0.05
    draws: int = 128
    keep: float = 0.9995
    keep_after_drift: float = 0.1
    drift_slack: float = 0.1
    drift_limit: float = 8.0
    patience_s: float = 3_600.0

    def check(self) -> "BanditRules":
        """These rules. Raises BadInput, naming the field, where one is out of its range."""
        self.prior.check()
        if 0.0 < self.epsilon < LEAST_EPSILON:
            raise BadInput(f"The bandit's epsilon is {self.epsilon:g}.", f"Give it 0, or {LEAST_EPSILON:g} to 1.")
        ranges = {
            "epsilon": (0.0, 1.0),
            "draws": (16, 10_000),
            "keep": (0.5, 1.0),
            "keep_after_drift": (0.0, 1.0),
            "drift_slack": (0.0, 1.0),
            "drift_limit": (0.1, 1e6),
            "patience_s": (1.0, 2_592_000.0),
        }
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            # Not the other way round: NaN is neither above nor below anything.
            if not least <= value <= most:
                raise BadInput(f"The bandit's {name} is {value:g}; it may be {least:g} to {most:g}.", "Correct it.")
        return self


class Offered(State, frozen=True):
    """An arm that may be used: what is believed of it beforehand, and the evidence that it starts with if it is new."""

    name: str
    prior_mean: float = 0.0
    start: Evidence | None = None


class Choose(Message, frozen=True):
    """Choose one of `arms` for a question.

    `baseline` is the arm that would be used without this policy, "" for none. In `shadow` it is in charge, and the
    policy learns behind it.
    """

    rules: BanditRules
    feature_version: str
    decision_id: str
    context: bytes
    arms: tuple[Offered, ...]
    baseline: str = ""
    shadow: bool = False


class Observe(Message, frozen=True):
    """How the answer of a decision turned out: quality 0 to 1, seconds, US dollars."""

    rules: BanditRules
    weights: RewardWeights
    decision_id: str
    quality: float
    latency_s: float
    cost_usd: float


class Begun(Message, frozen=True):
    """From now on contexts are those of `feature_version`; what was learned from others is forgotten."""

    feature_version: str
    dimensions: int


class ArmJoined(Message, frozen=True):
    """An arm was offered for the first time. `forgets` is one that is no longer offered and made room."""

    name: str
    start: Evidence | None = None
    forgets: str = ""


class Chosen(Message, frozen=True, gc=False):
    """`arm` is used for the decision. `used`, `target` and `baseline` are the probabilities with which the call, the
    policy and the baseline would have used it; what was expected of it, of the policy and of the baseline follows.
    `would_choose` is the policy's favourite.
    """

    decision_id: str
    at: float
    context: bytes
    arm: str
    used: float
    target: float
    baseline: float
    expected: float
    expected_of_target: float
    expected_of_baseline: float
    compared: bool
    would_choose: str


class Observed(Message, frozen=True, gc=False):
    """The reward of a decision came; earlier evidence of its arm counts `keep` times."""

    decision_id: str
    reward: float
    keep: float
    slack: float


class Missed(Message, frozen=True):
    """These decisions' rewards are no longer waited for."""

    decision_ids: tuple[str, ...]


class Drifted(Message, frozen=True, gc=False):
    """An arm is no longer what it was: its evidence counts `keep` times."""

    arm: str
    at: float
    keep: float


class Choice(Message, frozen=True, gc=False):
    """Use `arm`; it was drawn with the probability `propensity`, exactly.

    `would_choose` is the arm that the policy prefers; `preference` is its share of the draws, which estimates the
    probability of ideal Thompson sampling with the standard error `preference_error`.
    """

    decision_id: str
    arm: str
    propensity: float
    would_choose: str
    preference: float
    preference_error: float


class Learned(Message, frozen=True, gc=False):
    """The reward that was learned from, and whether it raised a drift alarm.

    `reward_of_policy` and `reward_of_baseline` are what these would have earned for this question: doubly robust scores
    (`core.off_policy`), right on average, each alone far off now and then.
    """

    reward: float
    drifted: bool = False
    reward_of_policy: float = 0.0
    reward_of_baseline: float = 0.0


class NotWaitedFor(Message, frozen=True, gc=False):
    """Nothing was learned: no decision of this id waits for its reward."""

    because: str


Command: TypeAlias = Choose | Observe
Event: TypeAlias = Begun | ArmJoined | Chosen | Observed | Missed | Drifted
Reply: TypeAlias = Choice | Learned | NotWaitedFor
