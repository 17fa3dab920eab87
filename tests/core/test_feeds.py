"""Feeds, whole and broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.feeds import FeedEntry, parse_feed
from core.uploads import UploadKind

BASE = "https://shore.example/feeds/all.xml"

RSS = b"""<?xml version="1.0"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>
<title>Shore &amp; Tide</title><link>https://shore.example/</link><language>en-US</language>
<itunes:author>Ada Example</itunes:author>
<item><title>One</title><link>/talks/1</link><pubDate>Tue, 16 Sep 2008 23:30:00 -0500</pubDate></item>
<item><title><![CDATA[Two <b>bold</b>]]></title><link>https://shore.example/talks/2</link>
<author>Bo Example</author><enclosure url="https://cdn.example/2.mp3"/><pubDate>yesterday</pubDate></item>
<item><title>Three</title><enclosure url="https://cdn.example/3.mp3" type="audio/mpeg"/></item>
<item><title>Nothing to fetch</title></item>
</channel></rss>"""

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Shore</title>
<author><name>Ada Example</name><email>a@shore.example</email></author>
<entry><title type="html">One &amp;amp; two</title><link rel="alternate" href="../talks/1"/>
<link rel="enclosure" href="/1.mp4"/><published>2009-05-27T10:00:00Z</published></entry>
<entry><title>Two</title><link rel="self" href="/self"/><link href="/talks/2"/><author><name>Bo Example</name></author>
<updated>2026-01-01T00:00:00Z</updated></entry>
</feed>"""

RDF = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Old Shore</title></channel>
<item><title>One</title><link>https://shore.example/1</link><dc:creator>Ada</dc:creator><dc:date>2004-02-01</dc:date></item>
</rdf:RDF>"""


def test_rss() -> None:
    feed = parse_feed(RSS, BASE)
    assert feed is not None
    assert (feed.title, feed.author, feed.language, feed.cut) == ("Shore & Tide", "Ada Example", "en-us", "")
    assert feed.entries == (
        FeedEntry("https://shore.example/talks/1", "One", "Ada Example", "2008-09-17", 1_221_625_800.0),
        FeedEntry("https://shore.example/talks/2", "Two bold", "Bo Example", ""),
        FeedEntry("https://cdn.example/3.mp3", "Three", "Ada Example", ""),
    )


def test_atom_takes_the_page_and_the_day_of_publishing() -> None:
    feed = parse_feed(ATOM, BASE)
    assert feed is not None
    assert feed.title == "Shore"
    assert feed.entries == (
        FeedEntry("https://shore.example/talks/1", "One & two", "Ada Example", "2009-05-27", 1_243_418_400.0),
        FeedEntry("https://shore.example/talks/2", "Two", "Bo Example", ""),
    )


def test_rss_1() -> None:
    feed = parse_feed(RDF, BASE)
    assert feed is not None
    assert feed.title == "Old Shore"
    assert feed.entries == (FeedEntry("https://shore.example/1", "One", "Ada", "2004-02-01", 1_075_593_600.0),)


def test_episodes_that_share_a_page_are_told_apart_by_their_files() -> None:
    items = "".join(
        f"<item><link>https://shore.example/</link><enclosure url='/{number}.mp3'/></item>" for number in range(3)
    )
    feed = parse_feed(f"<rss><channel>{items}</channel></rss>".encode(), BASE)
    assert feed is not None
    assert [entry.url for entry in feed.entries] == [f"https://shore.example/{number}.mp3" for number in range(3)]


@given(st.integers(0, len(RSS) - 1))
def test_a_feed_cut_anywhere_says_so_and_gives_what_came_before(cut: int) -> None:
    whole, feed = parse_feed(RSS, BASE), parse_feed(RSS[:cut], BASE)
    assert whole is not None
    if feed is None:
        assert cut <= RSS.index(b"<channel>")
        return
    assert feed.cut.startswith("line ")
    assert feed.entries == whole.entries[: len(feed.entries)]
    finished = RSS[:cut].count(b"</item>")
    assert len(feed.entries) == min(finished, len(whole.entries))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"not a feed",
        b"<html><body>hi</body></html>",
        b"<html><item/></html>",
        b"\x00\xff\xfe",
        b"{}",
        b"<?xml",
    ],
)
def test_what_is_no_feed_gives_none(data: bytes) -> None:
    assert parse_feed(data, BASE) is None


def test_a_feed_that_brings_entities_of_its_own_is_not_read() -> None:
    bomb = b'<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    assert parse_feed(bomb + b"<rss><channel><title>&b;</title></channel></rss>", BASE) is None


def test_a_link_that_cannot_be_read_is_left_out() -> None:
    feed = parse_feed(b"<rss><channel><item><link>https://[oops/</link></item></channel></rss>", BASE)
    assert feed is not None
    assert feed.entries == ()


@given(st.binary(max_size=300))
def test_any_bytes_are_a_feed_or_none(data: bytes) -> None:
    parse_feed(data, BASE)
    parse_feed(b"<rss><channel><item>" + data, BASE)


# ---------------------------------------------------------------- uploads
TUBE = """
<?xml version="1.0"?><feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:media="http://search.yahoo.com/mrss/"
xmlns="http://www.w3.org/2005/Atom"><id>yt:channel:{channel}</id><title>Shore</title>
<entry><id>yt:video:dQw4w9WgXcQ</id><yt:videoId>dQw4w9WgXcQ</yt:videoId><title>Tides</title>
<link rel="alternate" href="{link}"/><published>2024-05-27T10:00:00+00:00</published>
<media:group><media:title>Other</media:title><media:content url="https://www.youtube.com/v/dQw4w9WgXcQ" duration="61"/>
</media:group></entry></feed>"""


@pytest.mark.parametrize(
    ("link", "kind"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", UploadKind.VIDEO),
        ("https://www.youtube.com/shorts/dQw4w9WgXcQ", UploadKind.SHORT),
        ("https://mirror.example/watch?v=dQw4w9WgXcQ", UploadKind.VIDEO),
        ("https://evil.example/other", UploadKind.VIDEO),
    ],
)
def test_a_video_of_youtube_leads_to_youtube_whatever_place_its_feed_names(link: str, kind: UploadKind) -> None:
    feed = parse_feed(TUBE.format(channel="a" * 22, link=link).encode(), BASE)
    assert feed is not None
    assert feed.channel_id == "UC" + "a" * 22
    upload = feed.entries[0].upload(feed.entries[0].published_at)
    assert (upload.recording_id, upload.title, upload.kind, upload.length_s) == (
        "youtube:dQw4w9WgXcQ",
        "Tides",
        kind,
        61.0,
    )
    assert upload.url.startswith("https://www.youtube.com/")
    assert (upload.published_at, upload.exact) == (1_716_804_000.0, True)
    assert upload.kind_is_certain is (kind is UploadKind.SHORT)


@pytest.mark.parametrize("length", ["3723", "1:02:03", "62:03"])
def test_a_podcast_tells_its_lengths(length: str) -> None:
    item = f"<item><link>https://a.example/1</link><duration>{length}</duration></item>"
    feed = parse_feed(f"<rss><channel>{item}</channel></rss>".encode(), BASE)
    assert feed is not None
    assert feed.entries[0].length_s == 3723.0


@pytest.mark.parametrize(
    "date", ["Thu, 01 Jan 1970 00:00:00 GMT", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "x"]
)
def test_dates_of_any_clock_are_read_or_left_out(date: str) -> None:
    item = f"<item><link>https://a.example/1</link><pubDate>{date}</pubDate></item>"
    feed = parse_feed(f"<rss><channel>{item}</channel></rss>".encode(), BASE)
    assert feed is not None
    assert len(feed.entries) == 1


# ---------------------------------------------------------------- bounds
ITEM = b"<item><title>t</title><link>https://a.example/1</link></item>"


def test_of_a_feed_that_goes_on_for_ever_the_first_items_are_taken() -> None:
    feed = parse_feed(b"<rss><channel>" + ITEM * 5_000, BASE, max_entries=100)
    assert feed is not None
    assert (len(feed.entries), feed.cut) == (100, "item 100")


def test_elements_without_end_and_depth_end_the_reading() -> None:
    deep = parse_feed(b"<rss><channel>" + ITEM + b"<a>" * 5_000, BASE)
    assert deep is not None
    assert (len(deep.entries), "levels deep" in deep.cut) == (1, True)
    long = parse_feed(b"<rss><channel>" + ITEM + b"<a/>" * 1_200_000, BASE)
    assert long is not None
    assert (len(long.entries), "1,000,001" in long.cut) == (1, True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_entities_of_a_feed_s_own_are_refused_in_every_encoding(encoding: str) -> None:
    bomb = (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        "<rss><channel><title>&b;&b;</title></channel></rss>"
    )
    assert parse_feed(bomb.encode(encoding), BASE) is None


def test_a_bom_and_blank_lines_before_a_feed_do_no_harm() -> None:
    assert parse_feed(b"\xef\xbb\xbf\n\n" + RSS, BASE) == parse_feed(RSS, BASE)
