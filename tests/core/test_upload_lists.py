"""Lists of uploads brought together."""

from hypothesis import given
from hypothesis import strategies as st

from core.upload_lists import merged
from core.uploads import Upload, UploadKind


def dated(name: str, at: float | None, **more: object) -> Upload:
    return Upload(name, f"https://tube.example/{name}", name, published_at=at, **more)  # type: ignore[arg-type]


UPLOADS = st.lists(st.builds(dated, st.sampled_from("abcdefghij"), st.none() | st.floats(0, 100)), max_size=12)


@given(st.lists(UPLOADS, max_size=4))
def test_nothing_is_lost_and_nothing_doubled(lists: list[list[Upload]]) -> None:
    names = [upload.recording_id for upload in merged(lists)]
    assert sorted(names) == sorted({upload.recording_id for uploads in lists for upload in uploads})


def test_the_tabs_of_a_channel_are_one_list_newest_first() -> None:
    videos = [dated("v1", 90.0), dated("v2", 50.0)]
    streams = [dated("live", None), dated("s1", 70.0)]
    shorts = [dated("x1", None), dated("x2", None), dated("x3", None)]
    names = [upload.recording_id for upload in merged([videos, shorts, streams])]
    assert [name for name in names if name[0] == "v"] == ["v1", "v2"]
    assert [name for name in names if name[0] == "x"] == ["x1", "x2", "x3"]
    assert names.index("s1") < names.index("v2")
    assert names.index("live") < names.index("s1")


def test_a_list_without_dates_crowds_nothing_out() -> None:
    videos = [dated(f"v{number}", 1000.0 - number) for number in range(100)]
    shorts = [dated(f"x{number}", None) for number in range(100)]
    first = merged([shorts, videos])[:100]
    assert sum(upload.recording_id[0] == "v" for upload in first) == 50


def test_lists_without_any_dates_take_turns() -> None:
    names = [upload.recording_id for upload in merged([[dated("a", None), dated("b", None)], [dated("c", None)]])]
    assert names == ["a", "c", "b"]


def test_of_two_listings_of_one_upload_what_is_known_better_is_kept() -> None:
    listed = dated("a", 50.0, kind=UploadKind.STREAM)
    of_feed = dated("a", 61.0, exact=True, length_s=9.0, kind_is_certain=False)
    for lists in ([[listed], [of_feed]], [[of_feed], [listed]]):
        (upload,) = merged(lists)
        assert (upload.published_at, upload.exact, upload.length_s) == (61.0, True, 9.0)
        assert (upload.kind, upload.kind_is_certain) == (UploadKind.STREAM, True)
