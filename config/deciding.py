"""The settings of what decides about answers: routing, and the answer cache."""

from pydantic import Field

from config.environment import Group
from config.ingesting import Share


class Routing(Group):
    exploration: Share = Field(
        default=0.05,
        description="Share of questions that any model gets alike while ENABLE_RL_* is on: what it learns others from.",
        examples=[0.02],
    )
    quality: float = Field(default=0.5, ge=0, le=1, description="Weight of quality in a reward.", examples=[0.7])
    latency: float = Field(default=0.3, ge=0, le=1, description="Weight of speed in a reward.", examples=[0.1])
    cost: float = Field(default=0.2, ge=0, le=1, description="Weight of cheapness in a reward.", examples=[0.2])
    latency_limit_s: float = Field(
        default=30.0, gt=0, description="An answer that takes so many seconds is as slow as can be.", examples=[20]
    )
    cost_limit_usd: float = Field(
        default=0.05, gt=0, description="An answer that costs so many US dollars is as dear as can be.", examples=[0.02]
    )


class Cache(Group):
    wrong_share: float = Field(
        default=0.02,
        ge=0,
        le=0.5,
        description="Most answers out of the cache that may be wrong, as a share, in each server.",
        examples=[0.01],
    )
    audit_share: Share = Field(
        default=0.02, description="Least share of such answers that are asked again all the same.", examples=[0.05]
    )
    max_age_days: float = Field(
        default=14.0, gt=0, le=3_650, description="How long an answer may be given again, in days.", examples=[7]
    )
    max_entries: int = Field(
        default=5_000, ge=1, le=100_000, description="Most answers that are kept for a server.", examples=[20_000]
    )
