"""Messages between yt-dlp's process and its parent: they arrive as they were, and nothing else is taken."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput, BotError, Busy, DeadlineExceeded, NotReadable, RefusedUrl, Unavailable, WriteFailed
from core.source_states import SourceState
from deployments import ytdlp_wire
from deployments.ytdlp_wire import (
    FOR_CHILD,
    FOR_PARENT,
    MAX_FRAME_BYTES,
    PREFIX_BYTES,
    Call,
    Done,
    Failure,
    Found,
    Open,
    Read,
    error_of,
    failure_of,
    framed,
    length_of,
    packed,
    plain,
    unpacked,
)

TEXT = st.text(st.characters(), max_size=20)  # with half characters
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_an_info_dict_arrives_as_it_was(info: dict[str, Any]) -> None:
    assert unpacked(packed(info, "shore.example")) == info


@pytest.mark.parametrize(
    "error",
    [
        BadInput("No.", "Do this."),
        RefusedUrl("Private.", "Use another."),
        Unavailable("shore.example", "Later."),
        DeadlineExceeded("shore.example", "Later."),
        Busy("shore.example", 7.5),
        NotReadable(SourceState.PREMIERE, "Not yet.", "Wait.", 60.0),
        NotReadable(SourceState.DELETED, "Gone."),
    ],
)
def test_an_error_arrives_as_it_was(error: BotError) -> None:
    body = framed(Done(error=failure_of(error)))[PREFIX_BYTES:]
    done = FOR_PARENT.decode(body)
    assert isinstance(done, Done)
    assert done.error is not None
    arrived = error_of(done.error)
    assert (type(arrived), arrived.args, str(arrived)) == (type(error), error.args, str(error))


def test_an_error_of_another_kind_arrives_as_one_that_is_known() -> None:
    assert type(error_of(failure_of(WriteFailed("the disk", "Free it.")))) is Unavailable
    arrived = error_of(failure_of(BotError("odd")))
    assert isinstance(arrived, Unavailable)
    assert arrived.advice == "odd"


@pytest.mark.parametrize("wait_s", [math.nan, math.inf, -1.0])
def test_a_wait_that_makes_no_sense_is_none(wait_s: float) -> None:
    busy = error_of(Failure("Busy", "shore.example", retry_after_s=wait_s))
    assert isinstance(busy, Busy)
    assert busy.retry_after_s == 0.0
    later = error_of(Failure("NotReadable", "Not yet.", retry_after_s=wait_s))
    assert isinstance(later, NotReadable)
    assert later.retry_after_s in (None, 0.0)
    assert later.state is SourceState.UNKNOWN


@given(TEXT, st.integers(0, 30))
def test_text_of_any_kind_can_be_sent(text: str, most: int) -> None:
    sent = plain(text, most)
    assert len(sent) <= most
    assert FOR_PARENT.decode(framed(Done(text=sent))[PREFIX_BYTES:]) == Done(text=sent)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    for decoder in (FOR_PARENT, FOR_CHILD):
        try:
            decoder.decode(data)
        except msgspec.DecodeError:
            continue
        raise AssertionError("a message out of nothing")


@pytest.mark.parametrize(
    "message",
    [
        {"type": "Open", "url": "x", "method": "GET", "headers": {"a": 1}, "body": None, "closed": []},
        {"type": "Read", "number": "1", "size": 1},
        {"type": "Found", "info": {}},
        {"type": "Done", "error": {"kind": "KeyboardInterrupt", "problem": "x"}},
        {"type": "Done", "error": {"kind": "NotReadable", "problem": "x", "state": "rich"}},
        {"type": "Call", "kind": "extract", "url": "x", "cpu_s": 1.0},
    ],
)
def test_a_message_of_another_shape_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(msgspec.DecodeError):
        FOR_PARENT.decode(msgspec.msgpack.encode(message))


def test_a_message_that_claims_to_be_too_long_is_refused_before_it_is_read() -> None:
    most = MAX_FRAME_BYTES.to_bytes(PREFIX_BYTES, "big")
    assert length_of(most) == MAX_FRAME_BYTES
    with pytest.raises(ValueError, match="bytes"):
        length_of((MAX_FRAME_BYTES + 1).to_bytes(PREFIX_BYTES, "big"))


@pytest.mark.parametrize(
    "info", [b"[]", b"no", b'"text"', b"[" * 100_000, b'{"a":' * 100_000, b"", b"\xff", b"9" * 5000]
)
def test_what_is_no_info_dict_is_refused(info: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own errors are of that kind
        unpacked(info)


def test_an_info_dict_with_too_much_in_it_is_refused_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ytdlp_wire, "_MAX_ITEMS", 10)
    many: dict[str, Any] = {"formats": [[]] * 10}
    with pytest.raises(BadInput, match="larger"):
        packed(many, "shore.example")
    with pytest.raises(ValueError, match="too much"):
        unpacked(b'{"formats":[' + b"[]," * 10 + b"0]}")


def test_messages_to_and_from_are_not_taken_for_each_other() -> None:
    call = Call("extract", "https://shore.example/", 1.0, {"quiet": True})
    assert FOR_CHILD.decode(framed(call)[PREFIX_BYTES:]) == call
    for message in (Open("x", "GET", {}, None, []), Read(1, 1), Found(b"{}")):
        with pytest.raises(msgspec.DecodeError):
            FOR_CHILD.decode(framed(message)[PREFIX_BYTES:])
