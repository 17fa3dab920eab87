"""The experiments of the features that the bot can do without: what each is measured by before anybody has it.

`cost_usd` is what an answer cost, `prompt_tokens` what the model was sent, `grounded` the share of its quotes that
stood in the transcripts (of an answer that quotes nothing, nothing is known), `reward` what routing learns from.
"""

from core.experiment_plans import ExperimentPlan, Goal, Metric

TRIMMING, ROUTING, ANSWER_CACHE = "trimming", "routing", "answer_cache"
COST_USD, PROMPT_TOKENS, GROUNDED, REWARD = "cost_usd", "prompt_tokens", "grounded", "reward"
_COST = Metric(COST_USD, Goal.LOWER, high=100.0)
_GROUNDED = Metric(GROUNDED)
# An off-policy estimate of a reward, which is 0 to 1, may lie far outside: a rare choice stands for many.
_REWARD = Metric(REWARD, low=-1_000.0, high=1_000.0)

PLANS = (
    ExperimentPlan(TRIMMING, (Metric(PROMPT_TOKENS, Goal.LOWER, high=10_000_000.0), _GROUNDED, _COST)),
    ExperimentPlan(ROUTING, (_REWARD, _GROUNDED, _COST), least_gain=0.03),
    ExperimentPlan(ANSWER_CACHE, (_COST, _GROUNDED)),
)
