from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.links import link_at, recording_id_of, youtube_channel_of, youtube_id_of

ID = "dQw4w9WgXcQ"


@pytest.mark.parametrize(
    ("url", "seconds", "link"),
    [
        (f"https://www.youtube.com/watch?v={ID}", 90.9, f"https://www.youtube.com/watch?v={ID}&t=90"),
        (
            f"https://www.youtube.com/watch?v={ID}&list=PL1&t=5s",
            7,
            f"https://www.youtube.com/watch?v={ID}&list=PL1&t=7",
        ),
        (f"https://youtu.be/{ID}", 0, f"https://youtu.be/{ID}?t=0"),
        (f"https://youtu.be/{ID}?si=x#t=4", 61, f"https://youtu.be/{ID}?si=x&t=61"),
        (f"https://www.youtube.com/shorts/{ID}", 8, f"https://www.youtube.com/watch?v={ID}&t=8"),
        (f"https://www.youtube.com/embed/{ID}?start=3", 8, f"https://www.youtube.com/watch?v={ID}&t=8"),
        (f"https://www.youtube.com/live/{ID}?feature=share", 8, f"https://www.youtube.com/live/{ID}?feature=share&t=8"),
        ("https://vimeo.com/76979871", 75, "https://vimeo.com/76979871#t=75"),
        ("https://www.twitch.tv/videos/123?filter=a", 3723, "https://www.twitch.tv/videos/123?filter=a&t=1h2m3s"),
        ("https://a.example/talk?id=4&sig=a%2Fb%3D", 12.5, "https://a.example/talk?id=4&sig=a%2Fb%3D#t=12"),
        ("https://a.example/talk#chapter&t=9", 12, "https://a.example/talk#chapter&t=12"),
        ("https://a.example/talk", -3, "https://a.example/talk#t=0"),
        ("https://a.example/talk", float("nan"), "https://a.example/talk#t=0"),
        ("not a link", 12, "not a link"),
        ("https://a.example:port/x", 12, "https://a.example:port/x"),
        ("mailto:a@b.example", 12, "mailto:a@b.example"),
    ],
)
def test_link_at(url: str, seconds: float, link: str) -> None:
    assert link_at(url, seconds) == link


@pytest.mark.parametrize(
    "url",
    [
        f"https://www.youtube.com/watch?v={ID}",
        f"https://m.youtube.com/watch?app=desktop&v={ID}&t=9",
        f"http://youtu.be/{ID}?si=abc",
        f"https://youtube.com/shorts/{ID}",
        f"https://www.youtube.com/live/{ID}?feature=share",
        f"https://www.youtube-nocookie.com/embed/{ID}?start=4",
        f"https://music.youtube.com/watch?v={ID}&list=RD",
    ],
)
def test_all_youtube_links_to_a_video_have_one_id(url: str) -> None:
    assert recording_id_of(url) == f"youtube:{ID}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://vimeo.com/channels/staff/76979871#t=4", "vimeo:76979871"),
        ("https://player.vimeo.com/video/76979871?h=1", "vimeo:76979871"),
        ("https://www.twitch.tv/videos/123?t=1h", "twitch:123"),
        ("https://www.twitch.tv/someone", "https://twitch.tv/someone"),
        ("https://www.youtube.com/@someone/videos", "https://youtube.com/@someone/videos"),
        ("https://youtu.be/short", "https://youtu.be/short"),
        ("HTTPS://WWW.A.example:443/Talk/?b=2&a=1&utm_source=x#t=4", "https://a.example/Talk?a=1&b=2"),
        ("http://127.0.0.1:8080/talk.html", "http://127.0.0.1:8080/talk.html"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://a.example/#/watch/7", "https://a.example#/watch/7"),
        ("https://forum.example/show?t=12&ref=x", "https://forum.example/show?t=12"),
        ("  words ", "words"),
    ],
)
def test_recording_id_of(url: str, expected: str) -> None:
    assert recording_id_of(url) == expected


urls = st.builds(
    "https://{}/{}?{}#{}".format,
    st.sampled_from(["a.example", "www.youtube.com", "youtu.be", "vimeo.com", "www.twitch.tv", "[::1]:8000"]),
    st.sampled_from(["", "watch", f"shorts/{ID}", "videos/7", "a%20b/c"]),
    st.lists(st.sampled_from([f"v={ID}", "t=9", "q=a%26b", "x", "empty="]), max_size=4).map("&".join),
    st.sampled_from(["", "t=3", "part&t=3"]),
)


@given(urls, st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_link_to_a_second_is_of_the_same_recording_and_replaces_the_time(url: str, first: float, then: float) -> None:
    assert recording_id_of(link_at(url, first)) == recording_id_of(url)
    assert link_at(link_at(url, first), then) == link_at(url, then)


@given(urls, st.floats(0, 1e6))
def test_a_link_keeps_the_rest_of_the_query(url: str, seconds: float) -> None:
    kept = [pair for pair in parse_qsl(urlsplit(url).query, keep_blank_values=True) if pair[0] not in {"t", "v"}]
    link = parse_qsl(urlsplit(link_at(url, seconds)).query, keep_blank_values=True)
    assert [pair for pair in link if pair[0] not in {"t", "v"}] == kept


@given(st.text())
def test_any_text_gives_some_link_and_id(text: str) -> None:
    assert isinstance(link_at(text, 5), str)
    assert isinstance(recording_id_of(text), str)


# ---------------------------------------------------------------- YouTube
UC = "UCs6nmQViDpUw0nuIx9c_WvA"


@pytest.mark.parametrize(
    "text",
    [
        f"https://www.youtube.com/watch?v={ID}",
        f"http://youtube.com/watch?feature=x&v={ID}&list=PL1",
        f"//www.YouTube.com/watch?v={ID}",
        f"www.youtube.com/watch?v={ID}",
        f"https://youtu.be/{ID}?si=x",
        f"https://m.youtube.com/shorts/{ID}",
        f"https://www.youtube.com/live/{ID}?feature=share",
        f"https://www.youtube-nocookie.com/embed/{ID}",
        f"https://www.youtube.com/#!v={ID}",
        f"https://www.youtube.com/watch?feature=player_embedded&amp;amp;v={ID}",
        f"https://consent.youtube.com/m?continue=https%3A%2F%2Fwww.youtube.com%2Fwatch%3Fv%3D{ID}&gl=DE",
        f"https://www.youtube.com/attribution_link?a=x&u=%2Fwatch%3Fv%3D{ID}",
    ],
)
def test_every_link_to_a_video_of_youtube_gives_its_id(text: str) -> None:
    assert youtube_id_of(text) == ID
    assert recording_id_of(text.replace("//www.YouTube", "https://www.YouTube")) == f"youtube:{ID}"


def test_a_bare_id_is_one_only_where_it_is_asked_for() -> None:
    assert youtube_id_of(ID) == ID
    assert recording_id_of(ID) == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://www.youtube.com/@shore",
        "https://www.youtube.com/watch?v=short",
        f"https://evil.example/watch?v={ID}",
        f"https://www.youtube.com.evil.example/watch?v={ID}",
        f"https://consent.youtube.com/m?continue=https%3A%2F%2Fevil.example%2Fwatch%3Fv%3D{ID}",
        f"https://www.youtube.com/channel/{UC}",
    ],
)
def test_other_places_are_no_video_of_youtube(text: str) -> None:
    assert youtube_id_of(text) == ""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"https://www.youtube.com/channel/{UC}", UC),
        (f"https://www.youtube.com/channel/{UC}/shorts?view=0", UC),
        (f"youtube.com/channel/{UC}", UC),
        (f"https://music.youtube.com/browse/{UC}", UC),
        (f"https://www.youtube.com/feeds/videos.xml?channel_id={UC}", UC),
        (f"https://www.youtube.com/playlist?list=UU{UC[2:]}", UC),
        (UC, UC),
        (
            "https://www.youtube.com/playlist?list=PLzMcBGfZo4-mP7qA9cagf68V06sko5otr",
            "PLzMcBGfZo4-mP7qA9cagf68V06sko5otr",
        ),
        ("https://www.youtube.com/playlist?list=WL", ""),
        (f"https://www.youtube.com/watch?v={ID}&list=PLzMcBGfZo4-mP7qA9cagf68V06sko5otr", ""),
        ("https://www.youtube.com/@shore", ""),
        ("https://www.youtube.com/c/shore/videos", ""),
        (f"https://evil.example/channel/{UC}", ""),
        ("just words", ""),
    ],
)
def test_a_link_names_its_channel_or_playlist(text: str, named: str) -> None:
    assert youtube_channel_of(text) == named


@given(st.text(max_size=60))
def test_any_text_may_be_asked_for_a_video_and_a_channel(text: str) -> None:
    found = youtube_id_of(text)
    assert found == "" or len(found) == 11
    assert not youtube_channel_of(text) or not found or text.strip() == found


def test_an_attachment_is_the_same_under_each_of_its_signed_links() -> None:
    path = "attachments/11/222/talk.mp3"
    links = (
        f"https://cdn.discordapp.com/{path}?ex=1&is=2&hm=3",
        f"https://media.discordapp.net/{path}?ex=4&is=5&hm=6",
        f"https://cdn.discordapp.com/ephemeral-{path}",
    )
    assert {recording_id_of(link) for link in links} == {"discord:222"}
    assert recording_id_of("https://cdn.discordapp.com/attachments/11/223/talk.mp3") == "discord:223"
