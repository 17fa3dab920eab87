"""Which caption track is read."""

from typing import Any

import pytest

from core.captiontracks import CaptionSource, Tracks, choose_track


def files(*kinds: str) -> list[dict[str, Any]]:
    return [{"url": f"https://shore.example/{kind}", "ext": kind} for kind in kinds]


def test_captions_of_people_come_before_those_of_machines() -> None:
    track = choose_track({"de": files("srt")}, {"en": files("vtt")}, "en")
    assert track == CaptionSource("https://shore.example/srt", "de", "srt", automatic=False)
    assert choose_track({}, {"en": files("vtt")}, "en") == CaptionSource("https://shore.example/vtt", "en", "vtt", True)


@pytest.mark.parametrize(
    ("languages", "preferred", "expected"),
    [
        (["fr", "en-GB", "en-US", "en"], "en", "en"),
        (["fr", "en-AU", "en-GB", "en-US"], "en", "en-US"),
        (["en-AU", "en-GB"], "en", "en-GB"),
        (["fr", "en-AU"], "en", "en-AU"),
        (["fr", "de"], "en", "fr"),
        (["en", "de-AT", "de"], "de", "de"),
        (["en", "pt", "pt-BR"], "pt-BR", "pt-BR"),
        (["EN"], "en", "EN"),
        (["live_chat", "ja"], "en", "ja"),
    ],
)
def test_the_preferred_language_then_its_regions_then_any(languages: list[str], preferred: str, expected: str) -> None:
    track = choose_track({language: files("vtt") for language in languages}, {}, preferred)
    assert track is not None
    assert track.language == expected


def test_a_machine_s_original_comes_before_its_translations() -> None:
    tracks: Tracks = {"de": files("vtt"), "fr-orig": files("vtt"), "es": files("vtt")}
    track = choose_track({}, tracks, "en")
    assert track is not None
    assert track.language == "fr"
    both: Tracks = {"en": files("vtt"), "en-orig": files("srt")}
    track = choose_track({}, both, "en")
    assert track is not None
    assert track.format == "srt"


def test_vtt_comes_before_srt_and_srt_before_others() -> None:
    for kinds, expected in ((("json3", "srt", "vtt"), "vtt"), (("ttml", "srt"), "srt"), (("ttml",), "ttml")):
        track = choose_track({"en": files(*kinds)}, {}, "en")
        assert track is not None
        assert track.format == expected


def test_a_language_without_a_readable_file_is_passed_over() -> None:
    streamed = [{"url": "https://shore.example/list", "ext": "vtt", "protocol": "m3u8_native"}]
    assert choose_track({"en": files("m3u8"), "de": files("vtt"), "fr": []}, {}, "en") == CaptionSource(
        "https://shore.example/vtt", "de", "vtt"
    )
    assert choose_track({"en": streamed}, {}, "en") is None
    assert choose_track({"live_chat": files("json")}, {"rechat": files("json")}, "en") is None
    assert choose_track({}, {}, "en") is None


def test_a_track_may_carry_its_text_and_name_no_language() -> None:
    assert choose_track({None: [{"data": "WEBVTT"}]}, {}, "en") == CaptionSource("", "", data=b"WEBVTT")
    assert choose_track({"en": [{"data": b"1"}]}, {}, "en") == CaptionSource("", "en", data=b"1")
