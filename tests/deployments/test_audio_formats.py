"""Which of a recording's formats is listened to."""

from typing import Any

import pytest

from deployments.audio import smallest_with_sound


def sound(name: str, **fields: Any) -> dict[str, Any]:
    return {"format_id": name, "protocol": "https", "acodec": "opus", "vcodec": "none", **fields}


@pytest.mark.parametrize(
    ("formats", "chosen"),
    [
        ([sound("high", abr=128), sound("enough", abr=50), sound("thin", abr=32)], "enough"),
        ([sound("thin", abr=32), sound("thinner", abr=16)], "thin"),
        ([sound("film", vcodec="h264", tbr=60), sound("sound", abr=128)], "sound"),
        ([sound("large", vcodec="h264", height=1080), sound("small", vcodec="h264", height=240)], "small"),
        (
            [sound("dubbed", abr=50, language_preference=-1), sound("original", abr=128, language_preference=10)],
            "original",
        ),
        ([sound("silent", acodec="none", vcodec="h264"), sound("heard", vcodec="h264", tbr=4000)], "heard"),
        ([sound("locked", has_drm=True), sound("socket", protocol="rtmp"), sound("board", protocol="mhtml")], None),
        ([], None),
    ],
)
def test_the_smallest_format_that_is_good_enough_is_fetched(formats: list[dict[str, Any]], chosen: str | None) -> None:
    found = smallest_with_sound(formats)
    assert (found and found["format_id"]) == chosen
