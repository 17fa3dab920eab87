"""What a page's head says about itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.pagehints import MAX_FIELD_CHARS, PageHints, page_hints


def test_author_and_date() -> None:
    head = b"""<head><meta charset=utf-8><META NAME="Author" CONTENT=" Ada &amp;\n Bo ">
    <meta property="article:published_time" content="2008-09-16T10:00:00Z"><meta name="author" content="Cy"></head>"""
    assert page_hints(head) == PageHints("Ada & Bo", "2008-09-16")


def test_an_author_that_is_a_link_is_not_a_name() -> None:
    head = b'<meta property="article:author" content="https://shore.example/ada">'
    head += b'<meta property="og:site_name" content="Shore">'
    assert page_hints(head).author == "Shore"


@pytest.mark.parametrize("date", ["yesterday", "16.09.2008", "2008", "2008-9-16xx"])
def test_a_date_in_another_form_is_left_out(date: str) -> None:
    assert page_hints(f'<meta name="date" content="{date}">'.encode()) == PageHints()


@pytest.mark.parametrize(
    "head", [b"", b"WEBVTT", b"\xff\xfe\x00", b"<meta>", b'<meta name="author">', b'<p name="author">']
)
def test_nothing_is_made_up(head: bytes) -> None:
    assert page_hints(head) == PageHints()


@given(st.binary(max_size=200))
def test_fields_are_short_whatever_comes(data: bytes) -> None:
    hints = page_hints(b'<meta name="author" content="' + data * 5 + b'">' + data)
    assert len(hints.author) <= MAX_FIELD_CHARS


def test_a_page_names_its_feed() -> None:
    feed = '<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
    other = '<link rel="stylesheet" href="/a.css"><link rel="hub" type="application/rss+xml" href="/hub">'
    assert page_hints(f"<html><head>{other}{feed}</head>".encode()).feed == "/feed.xml"
    assert page_hints(other.encode()).feed == ""
