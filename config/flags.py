"""The feature flags: `ENABLE_*`, all off by default."""

from pydantic import Field

from config.environment import Group


class Enable(Group):
    """Feature flags: all off by default."""

    prompt_compression: bool = Field(
        default=False,
        description="Send models only the sentences that matter. Off: computed and logged only.",
        examples=[True],
    )
    distributed_rate_limiting: bool = Field(
        default=False,
        description="Refuse what goes beyond RATE_*. Off: limits only watch, and all is let through.",
        examples=[True],
    )
    budgets: bool = Field(
        default=False,
        description="Pay no model beyond BUDGET_*. Off: limits only watch, and the log tells what they would refuse.",
        examples=[True],
    )
    activity_text: bool = Field(
        default=False,
        description="Keep questions and answers in the activity log. Off: their numbers alone.",
        examples=[True],
    )
    auto_follow_uploader: bool = Field(
        default=False,
        description="Follow the channel of what a person brings in. Off: the log tells which it would be.",
        examples=[True],
    )
    uploader_backfill: bool = Field(
        default=False,
        description="Bring in the past year of a channel that is followed by itself. Off: its news alone.",
        examples=[True],
    )
    pii_filter: bool = Field(
        default=False,
        description="Mask e-mail addresses, telephone and card numbers before anything is stored.",
        examples=[True],
    )
    speech_recognition: bool = Field(
        default=False, description="Listen to recordings that have no captions.", examples=[True]
    )
    early_exits: bool = Field(
        default=False,
        description="Leave out what EXIT_* names. Off: the log tells what it would be.",
        examples=[True],
    )
    analysis: bool = Field(
        default=False,
        description="Sum up what is brought in, for its announcement. Off: recorded as skipped.",
        examples=[True],
    )

    experiment_harness: bool = Field(
        default=False,
        description="Let experiments run, and servers switch features for themselves. Off: the settings decide.",
        examples=[True],
    )
    rl_lints: bool = Field(
        default=False, description="Let the bandit choose the language model for each question.", examples=[True]
    )
    rl_shadow: bool = Field(
        default=False,
        description="Let the bandit learn behind the first model; ROUTING_EXPLORATION of questions get any.",
        examples=[True],
    )
    semantic_cache: bool = Field(
        default=False,
        description="Give answers again to questions that mean the same, within CACHE_WRONG_SHARE.",
        examples=[True],
    )
    semantic_cache_shadow: bool = Field(
        default=False,
        description="Keep answers and count what could be given again, and give nothing.",
        examples=[True],
    )
    semantic_cache_promotion: bool = Field(
        default=False,
        description="Give answers again in servers where the shadow has proved CACHE_WRONG_SHARE.",
        examples=[True],
    )
