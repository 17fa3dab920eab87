"""The settings of what is brought in: sources, followed channels, politeness, speech, and what is left out."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from config.environment import Group

Share = Annotated[float, Field(ge=0, le=1)]
Language = Annotated[str, StringConstraints(min_length=2, max_length=12, strip_whitespace=True, to_lower=True)]


class Ingest(Group):
    max_recordings: int = Field(
        default=200, ge=1, le=10_000, description="Most recordings taken from one link.", examples=[200]
    )
    max_caption_bytes: int = Field(
        default=20_000_000, ge=1_000, description="Largest caption file, in bytes.", examples=[20_000_000]
    )
    timeout_s: float = Field(
        default=60.0, gt=0, description="Longest wait for one page or file, in seconds.", examples=[60]
    )
    allow_loopback: bool = Field(
        default=False, description="Also fetch http://127.0.0.1; for the demo and tests only.", examples=[False]
    )
    language: str = Field(
        default="en", min_length=2, description="Caption language that is preferred.", examples=["en"]
    )
    at_once: int = Field(default=6, ge=1, le=64, description="Recordings that are worked on at once.", examples=[8])
    cookies_file: Path | None = Field(
        default=None,
        description="Cookies for the sites, in Netscape's format, of an account made for the bot.",
        examples=["/etc/bot/cookies.txt"],
    )
    proxy: str = Field(
        default="",
        repr=False,  # it may hold a password
        description="Proxy for all that is fetched from sites.",
        examples=["http://proxy.example:3128"],
    )
    javascript: bool = Field(
        default=True,
        description="Let yt-dlp run YouTube's own scripts in deno, shut off from disk and network.",
        examples=[False],
    )
    ytdlp_memory_bytes: int = Field(
        default=1_500_000_000,
        ge=700_000_000,
        description="Memory of one process of yt-dlp, of which six run at most, in bytes.",
        examples=[1_000_000_000],
    )
    when_deleted: Literal["keep", "remove"] = Field(
        default="keep",
        description="What becomes of a recording that its site has deleted.",
        examples=["remove"],
    )


class Follow(Group):
    poll_s: float = Field(
        default=900.0, ge=1, le=86_400, description="How often a channel is looked at, in seconds.", examples=[900]
    )
    full_s: float = Field(
        default=86_400.0,
        ge=600,
        le=30 * 86_400,
        description="How often all uploads of a channel are listed, in seconds.",
        examples=[86_400],
    )
    max_channels: int = Field(
        default=50, ge=1, le=10_000, description="Most channels that a server may follow.", examples=[100]
    )
    max_past: int = Field(
        default=200,
        ge=0,
        le=10_000,
        description="Most uploads of a channel's past that are brought in.",
        examples=[500],
    )
    max_recordings: int = Field(
        default=20_000,
        ge=1,
        le=10_000_000,
        description="A channel that would bring a server beyond so many recordings starts paused.",
        examples=[5_000],
    )


class AutoFollow(Group):
    max_videos: int = Field(
        default=200,
        ge=0,
        le=10_000,
        description="Most uploads of the past of a channel that is followed by itself.",
        examples=[200],
    )


class Pace(Group):
    interval_s: float = Field(
        default=1.0,
        ge=0.0001,
        le=3_600,
        description="Seconds between two requests to one site, of all servers together.",
        examples=[2],
    )
    burst: int = Field(
        default=5, ge=1, le=1_000, description="Requests to one site that may come at once after a rest.", examples=[3]
    )
    max_interval_s: float = Field(
        default=60.0, ge=1, le=86_400, description="Longest interval for a site that complains.", examples=[120]
    )


class Speech(Group):
    model: str = Field(
        default="",
        description="Whisper's hub name or folder. Empty: the base model of the packages that tests install.",
        examples=["Systran/faster-whisper-small"],
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where speech is recognised.", examples=["cuda"]
    )
    compute_type: str = Field(
        default="",
        description="How the model computes. Empty: int8 on a CPU, float16 on a GPU.",
        examples=["float32"],
    )
    folder: Path | None = Field(
        default=None, description="Where audio lies for a moment. Empty: the system's place.", examples=["/var/tmp"]
    )
    max_length_s: float = Field(
        default=6 * 3_600.0, gt=0, le=86_400, description="Longest recording that is listened to.", examples=[7_200]
    )
    max_audio_bytes: int = Field(
        default=500_000_000, ge=1_000, description="Largest audio file, in bytes.", examples=[200_000_000]
    )
    minutes_a_month: float | None = Field(
        default=3_000.0,
        ge=0,
        description="Minutes of speech that are recognised for a server in a month. Empty: no limit.",
        examples=[600],
    )


class Exit(Group):
    min_length_s: float = Field(
        default=30.0, ge=0, description="Shorter shorts and streams are left out. 0: none is.", examples=[20]
    )
    min_video_s: float = Field(default=45.0, ge=0, description="Shorter videos are left out.", examples=[60])
    min_views: int = Field(
        default=50, ge=0, description="Older uploads with fewer views are left out. 0: none is.", examples=[0]
    )
    views_after_days: float = Field(default=30.0, ge=0, description="After how many days views count.", examples=[30])
    max_spam: Share = Field(default=0.9, description="Spam score beyond which a text is left out.", examples=[0.9])
    min_transcript_chars: int = Field(
        default=200, ge=0, description="Shorter transcripts are left out.", examples=[200]
    )
    max_repetition: Share = Field(
        default=0.2, description="Share of repeated text beyond which it is unintelligible.", examples=[0.2]
    )
    min_unique_words: Share = Field(
        default=0.2, description="Share of different words below which it is unintelligible.", examples=[0.2]
    )
    languages: tuple[Language, ...] = Field(
        default=(), description="Languages that are taken, as JSON. Empty: all.", examples=['["en", "de"]']
    )


class Analysis(Group):
    paid_models: bool = Field(
        default=False,
        description="Let the models of config/models.yaml write summaries, within the budget.",
        examples=[True],
    )
    prompt_tokens: int = Field(
        default=3_000,
        ge=200,
        le=100_000,
        description="How much of a recording a model reads for that.",
        examples=[3_000],
    )
