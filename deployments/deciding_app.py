"""What the settings say of experiments, routing and the answer cache, in the terms of their parts."""

from collections.abc import Sequence

from config.settings import Settings
from core.feature_plans import ANSWER_CACHE, ROUTING, TRIMMING
from core.rollout import Feature
from deployments.decisions import Deciding
from deployments.entities import Entities
from deployments.experiments import ExperimentDesk
from deployments.routing_prior import RoutingPrior


def features(settings: Settings) -> tuple[Feature, ...]:
    """The features that a question may get. What trimming would do is always counted: it costs nothing."""
    enable = settings.enable
    return (
        Feature(TRIMMING, enable.prompt_compression, shadow=True),
        Feature(ROUTING, enable.rl_lints, enable.rl_shadow),
        Feature(ANSWER_CACHE, enable.semantic_cache, enable.semantic_cache_shadow or enable.semantic_cache_promotion),
    )


def deciding(settings: Settings, durable: Entities, arms: Sequence[str]) -> Deciding:
    """Who is asked about a question; `arms` are the paid models in their order."""
    resting = durable.resting
    return Deciding(
        features(settings),
        durable.registry if "registry" not in resting else None,
        durable.cache if "cache" not in resting else None,
        settings.cache.wrong_share,
        settings.enable.semantic_cache_promotion,
        durable.bandit if "bandit" not in resting else None,
        RoutingPrior.load().projection,
        tuple(arms),
    )


def experiment_desk(settings: Settings, durable: Entities) -> ExperimentDesk | None:
    """What operators do about experiments; None while there are none."""
    if not settings.enable.experiment_harness:
        return None
    switches = {feature.name: feature.on for feature in features(settings)}
    return ExperimentDesk(durable.registry, tuple(switches), switches)
