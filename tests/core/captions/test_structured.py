"""YouTube's XML and JSON, and TTML."""

import json

import pytest

from core.captions import CaptionFormat, parse
from core.errors import UnreadableCaptions


def cues(text: str) -> list[tuple[float, float, str]]:
    return [(cue.start_s, cue.end_s, cue.text) for cue in parse(text.encode()).cues]


def test_srv1_is_escaped_twice() -> None:
    text = (
        '<?xml version="1.0" encoding="utf-8" ?><transcript><text start="0.5" dur="1.25">'
        "it&amp;#39;s a &amp;lt;b&amp;gt;</text>"
        '<text start="2">R&amp;amp;B</text><text start="x" dur="nan"> </text></transcript>'
    )
    assert cues(text) == [(0.5, 1.75, "it's a <b>"), (2.0, 2.0, "R&B")]


def test_srv3_joins_its_words_and_drops_the_line_feeds_of_the_window() -> None:
    text = (
        '<timedtext format="3"><head><ws id="0"/></head><body><w t="0" id="1"/>'
        '<p t="80" d="4000" w="1"><s ac="0">hello</s><s t="400"> world</s></p><p t="2000" d="2080" w="1" a="1">\n</p>'
        '<p t="2080" d="3000" w="1"><s>again</s></p></body></timedtext>'
    )
    assert cues(text) == [(0.08, 4.08, "hello world"), (2.08, 5.08, "again")]


def test_json3() -> None:
    events: list[object] = [
        {"tStartMs": 0, "dDurationMs": 9000, "id": 1},
        {"tStartMs": 80, "dDurationMs": 4000, "segs": [{"utf8": "hello"}, {"utf8": " <world>", "tOffsetMs": 400}]},
        {"tStartMs": 2000, "aAppend": 1, "segs": [{"utf8": "\n"}]},
        {"tStartMs": "x", "dDurationMs": [], "segs": [{"utf8": "odd"}, {"utf8": 3}, 7]},
        {"tStartMs": 1e300, "segs": [{"utf8": "\ud800"}]},
        3,
    ]
    found = cues(json.dumps({"wireMagic": "pb3", "events": events}))
    assert found == [(0.001, 0.001, "odd"), (0.001, 0.001, "\ufffd"), (0.08, 4.08, "hello <world>")]


def test_ttml_times() -> None:
    text = """<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25"
      ttp:tickRate="1000"><body><div>
      <p begin="00:00:01.500" end="00:00:02.500">one<br/><span>two <span>three</span></span> four</p>
      <p begin="3s" dur="500ms">five</p><p begin="00:00:04:05" end="0.1m">six</p><p begin="7000t" end="200f">seven</p>
      <p>no time</p><p begin="soon">eight</p></div></body></tt>"""
    assert cues(text) == [
        (0.0, 0.0, "eight"),
        (1.5, 2.5, "one two three four"),
        (3.0, 3.5, "five"),
        (4.2, 6.0, "six"),
        (7.0, 8.0, "seven"),
    ]
    assert parse(text.encode()).format is CaptionFormat.TTML


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE t [<!ENTITY a "b">]><transcript><text start="0" dur="1">&a;</text></transcript>',
        "<transcript><text start='0'>cut in the mid",
        "<transcript></transcript>",
        "<rss><channel/></rss>",
        '{"events": 3}',
        '{"events": []}',
        '["events"]',
        '{"events": [' + "[" * 100_000,
        '{"events": [{"tStartMs": 1' + "0" * 6000 + "}]}",
    ],
)
def test_what_only_looks_like_it_is_refused(text: str) -> None:
    with pytest.raises(UnreadableCaptions):
        parse(text.encode())
