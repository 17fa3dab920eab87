"""What the settings say of ingest, in the terms of its parts."""

from config.settings import Settings
from core.early_exits import ExitRules
from deployments.analysis import AnalysisConfig
from deployments.auto_follow import AutoFollowRules
from deployments.channel_looks import LookRules
from deployments.curator import FollowBounds
from deployments.ingest import IngestConfig
from deployments.ingest_replica import WebConfig
from deployments.reading import ReadingRules
from deployments.recording_work import WorkRules
from deployments.spending import SpendingConfig
from deployments.transcriber import SpeechConfig
from deployments.whisper import WhisperConfig

# A whole recording's sound takes longer than a page.
AUDIO_TIMEOUT_S = 1_800.0


def web_config(settings: Settings) -> WebConfig:
    """How the web is read."""
    ingest = settings.ingest
    return WebConfig(
        ingest.language,
        ingest.max_recordings,
        ingest.max_caption_bytes,
        ingest.timeout_s,
        ingest.allow_loopback,
        str(ingest.cookies_file.absolute()) if ingest.cookies_file else "",
        ingest.proxy,
        # Captions need none of YouTube's scripts; its sound does.
        ingest.javascript and settings.enable.speech_recognition,
        ingest.ytdlp_memory_bytes,
    )


def ingest_config(settings: Settings) -> IngestConfig:
    """How recordings are brought in."""
    ingest, enable, follow, speech = settings.ingest, settings.enable, settings.follow, settings.speech
    minutes = speech.minutes_a_month
    return IngestConfig(
        ingest.at_once,
        ReadingRules(
            exit_rules(settings),
            enable.early_exits,
            None if minutes is None else minutes * 60,
            speech.max_length_s,
        ),
        WorkRules(ingest.when_deleted == "remove"),
        LookRules(follow.poll_s, follow.full_s, max(follow.max_past, LookRules().max_listed)),
        AutoFollowRules(enable.auto_follow_uploader, enable.uploader_backfill, settings.auto_follow.max_videos),
    )


def exit_rules(settings: Settings) -> ExitRules:
    """What is left out, where that is switched on."""
    rules = settings.exit
    return ExitRules(
        rules.min_length_s,
        rules.min_video_s,
        rules.min_views,
        rules.views_after_days,
        rules.max_spam,
        rules.min_transcript_chars,
        rules.max_repetition,
        rules.min_unique_words,
        rules.languages,
    )


def analysis_config(settings: Settings, spending: SpendingConfig) -> AnalysisConfig:
    """Whether recordings are summed up, and by whom."""
    analysis = settings.analysis
    return AnalysisConfig(settings.enable.analysis, analysis.paid_models, analysis.prompt_tokens, spending)


def speech_config(settings: Settings) -> SpeechConfig:
    """How speech is recognised."""
    speech = settings.speech
    models = settings.data.dir.absolute() / "models"
    return SpeechConfig(WhisperConfig(models, speech.model, speech.device, speech.compute_type), speech.max_length_s)


def follow_bounds(settings: Settings) -> FollowBounds:
    """What one workspace may follow."""
    follow = settings.follow
    return FollowBounds(follow.max_channels, follow.max_past, follow.max_recordings)
