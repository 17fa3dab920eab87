"""Composes the deployments into one Serve application. Settings enter here and nowhere deeper.

`make run` and the demo call `application(...)`; `serve deploy config/serve.yaml` calls `build({})` on the cluster.
"""

import os
from functools import partial
from typing import Any, TypeVar

from ray import serve
from ray.serve import Application

from actors.runtime import ActorSpec, reference
from actors.transcript_store import TranscriptStore
from config.configuration import Configuration, load_configuration
from config.settings import Settings
from core.trim_costs import TrimCosts
from deployments.answer_pipeline import AnswerPipeline, PipelineConfig
from deployments.assistant import DeployedAssistant
from deployments.chat_model import ChatModel
from deployments.curator import DeployedCurator
from deployments.deciding_app import deciding, experiment_desk
from deployments.embedder import Embedder, EmbedderConfig
from deployments.encoder import PACKAGED
from deployments.entities import Entities, entities, supervisor
from deployments.experiments import ExperimentDesk
from deployments.handles import serve_reference
from deployments.health import Probe, serve_health, store_health
from deployments.http_api import ApiConfig
from deployments.ingest_app import (
    AUDIO_TIMEOUT_S,
    analysis_config,
    follow_bounds,
    ingest_config,
    speech_config,
    web_config,
)
from deployments.ingest_bell import APP as APP  # as others know it
from deployments.ingest_replica import IngestReplica
from deployments.ingress import Ingress
from deployments.leased_limiter import LeasedLimiter
from deployments.limiter_calls import LimiterConfig
from deployments.spending import SpendingConfig
from deployments.tracing import TracingTarget
from deployments.transcriber_replica import TranscriberReplica
from deployments.trimmer import Trimmer

T = TypeVar("T")

# Of an answer's deadline, what the models may use; the rest is for finding the passages and proving the quotes.
CHAT_SHARE = 0.8
# What the ledger may use of it, twice.
LEDGER_SHARE = 0.05
LEDGER_MOST_S = 5.0
# The pipeline ends by its own deadline first, with a better sentence; what it spent may be settled after that.
GRACE_S = 10.0
# An answer that is this late will not be settled any more: its reservation expires, and is charged.
LOST_S = 60.0
# The longest wait for an ingest's next sign of life: a recording of 24 hours is embedded in a few minutes.
INGEST_STEP_S = 900.0
# The longest wait for what a link leads to.
RESOLVE_S = 120.0
PACKAGED_NAME = "all-MiniLM-L6-v2"


def build(_: dict[str, str]) -> Application:
    """The application with the settings of the machine that it is deployed on; for `serve deploy`."""
    return application(load_configuration())


def application(configuration: Configuration) -> Application:
    """Every deployment, bound to those that it calls; the HTTP API is the ingress."""
    settings = configuration.settings
    deadline_s = settings.answer.deadline_s
    store, durable = transcript_store(settings), entities(settings)
    pace = LeasedLimiter(durable.limiter, limiter_config(settings))
    embedder = _deployed(Embedder, deadline_s, _embedder_config(settings))
    trimmer = _deployed(Trimmer, deadline_s, embedder, settings.trim.model)
    chat_s = deadline_s * CHAT_SHARE
    chat = _deployed(ChatModel, deadline_s, configuration.arms, deadline_s=chat_s, tracing=_tracing(settings))
    bounds = pipeline_config(settings, paid_models=bool(configuration.arms))
    decides = deciding(settings, durable, [arm.name for arm in configuration.arms])
    parts = (embedder, store, chat, pace, durable.ledger, durable.activity, decides)
    pipeline = _deployed(AnswerPipeline, deadline_s + GRACE_S, bounds, *parts)
    ingest = _ingest(settings, durable, bounds.spending, embedder, store, pace, chat)
    product = _assistant(settings, pipeline, ingest, store, durable)
    return _deployment(Ingress).bind(_api_config(settings), product, embedder, trimmer)


def _ingest(
    settings: Settings,
    durable: Entities,
    spending: SpendingConfig,
    embedder: Embedder,
    store: TranscriptStore,
    pace: LeasedLimiter,
    chat: ChatModel,
) -> IngestReplica:
    """The deployment that brings recordings in; speech is recognised by another one."""
    return _deployed(
        IngestReplica,
        INGEST_STEP_S,
        web_config(settings),
        ingest_config(settings),
        analysis_config(settings, spending),
        embedder,
        store,
        durable.queue,
        durable.followers,
        durable.pace,
        pace,
        chat,
        durable.ledger,
        listener=_transcriber(settings, durable) if settings.enable.speech_recognition else None,
        masks=settings.enable.pii_filter,
    )


def _transcriber(settings: Settings, durable: Entities) -> TranscriberReplica:
    speech = settings.speech
    return _deployed(
        TranscriberReplica,
        INGEST_STEP_S,
        web_config(settings),
        speech_config(settings),
        durable.pace,
        max_bytes=speech.max_audio_bytes,
        timeout_s=AUDIO_TIMEOUT_S,
        folder=speech.folder,
    )


def assistant(settings: Settings) -> DeployedAssistant:
    """The product as a driver sees it, over the handles of the running application."""
    store = transcript_store(settings)

    def running(cls: type[T], wait_s: float) -> T:
        return serve_reference(cls, serve.get_deployment_handle(cls.__name__, APP), wait_s)

    pipeline = running(AnswerPipeline, settings.answer.deadline_s + GRACE_S)
    return _assistant(settings, pipeline, running(IngestReplica, INGEST_STEP_S), store, entities(settings))


def curator(settings: Settings) -> DeployedCurator:
    """What moderators do, over the handles of the running application."""
    durable = entities(settings)
    resolver = serve_reference(IngestReplica, serve.get_deployment_handle(IngestReplica.__name__, APP), RESOLVE_S)
    pace = LeasedLimiter(durable.limiter, limiter_config(settings))
    kept = (transcript_store(settings), durable.activity, durable.cache)
    return DeployedCurator(resolver, durable.followers, durable.queue, *kept, pace, follow_bounds(settings))


def experiments(settings: Settings) -> ExperimentDesk | None:
    """What operators do about experiments; None while ENABLE_EXPERIMENT_HARNESS is off."""
    return experiment_desk(settings, entities(settings))


def _assistant(
    settings: Settings, pipeline: AnswerPipeline, ingest: IngestReplica, store: TranscriptStore, durable: Entities
) -> DeployedAssistant:
    probe = Probe(
        {
            "Serve": partial(serve_health, APP),
            "TranscriptStore": partial(store_health, store),
            "Supervisor": supervisor(durable.kinds()).health,
        }
    )
    kept = (durable.limiter, durable.ledger, durable.activity)
    cache = None if "cache" in durable.resting else durable.cache
    return DeployedAssistant(pipeline, ingest, store, *kept, probe, limit_notes(settings), cache=cache)


def transcript_store(settings: Settings) -> TranscriptStore:
    """A reference to the one actor that owns the transcripts."""
    key = settings.store.api_key.get_secret_value() if settings.store.api_key else ""
    return reference(
        ActorSpec("TranscriptStore"),
        TranscriptStore,
        settings.data.dir.absolute() / "transcripts",
        settings.embedding.dimensions,
        url=settings.store.url,
        api_key=key,
        model=settings.embedding.model,
    )


def _deployment(cls: type[Any]) -> serve.Deployment:
    # A replica's share of a CPU is a plan for placement, not a limit: all of them fit one small machine together.
    # One retry only: what a constructor refuses (a model that is not there) does not mend itself.
    return serve.deployment(
        ray_actor_options={"num_cpus": 0.1}, max_ongoing_requests=256, max_constructor_retry_count=1
    )(cls)


def _deployed(cls: type[T], wait_s: float, *args: Any, **kwargs: Any) -> T:
    """A reference to the deployment of `cls` with these arguments, whose calls wait at most `wait_s` seconds."""
    return serve_reference(cls, _deployment(cls).bind(*args, **kwargs), wait_s)


def _embedder_config(settings: Settings) -> EmbedderConfig:
    embedding = settings.embedding
    cache = settings.data.dir.absolute() / "models"
    return EmbedderConfig(
        embedding.model,
        embedding.dimensions,
        embedding.backend,
        cache,
        embedding.max_batch,
        threads=os.cpu_count() or 1,
    )


def pipeline_config(settings: Settings, *, paid_models: bool) -> PipelineConfig:
    """The bounds of an answer. Without `paid_models` there is nothing to look after the money of."""
    answer = settings.answer
    return PipelineConfig(
        answer.passages,
        answer.max_question_chars,
        answer.deadline_s,
        paid_models,
        spending_config(settings),
        settings.trim.quality_floor,
        TrimCosts(least_tokens=settings.trim.least_tokens),
    )


def spending_config(settings: Settings) -> SpendingConfig:
    """How long the ledger is waited for, and what is done without it: limits that only watch never stand in the way."""
    deadline_s = settings.answer.deadline_s
    return SpendingConfig(
        wait_s=min(LEDGER_MOST_S, deadline_s * LEDGER_SHARE),
        ttl_s=deadline_s + LOST_S,
        open_when_unreachable=settings.budget.unreachable == "open" or not settings.enable.budgets,
    )


def limiter_config(settings: Settings) -> LimiterConfig:
    """Whether rates are enforced or only watched, and what is done without the limiter."""
    enforce = settings.enable.distributed_rate_limiting
    return LimiterConfig(enforce=enforce, unreachable=settings.rate.unreachable)


def limit_notes(settings: Settings) -> tuple[str, ...]:
    """What people should know of the limits that they are shown."""
    enable = settings.enable
    watching = [
        name
        for name, enforced in (("requests", enable.distributed_rate_limiting), ("spending", enable.budgets))
        if not enforced
    ]
    return (f"Limits on {' and '.join(watching)} only watch for now: they refuse nothing.",) if watching else ()


def _api_config(settings: Settings) -> ApiConfig:
    name = PACKAGED_NAME if settings.embedding.model == PACKAGED else settings.embedding.model
    return ApiConfig(name, settings.api.max_body_bytes, settings.api.keys)


def _tracing(settings: Settings) -> TracingTarget | None:
    langsmith = settings.langsmith
    if langsmith.api_key is None:
        return None
    return TracingTarget(langsmith.endpoint, langsmith.api_key, langsmith.project)
