"""What a kind writes down can be read for ever: by this release to the bit, by a later one through its upcasts."""

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import field

from core.entities import Chance, Decision, EntityKind, Message, State
from core.entity_codec import Codec, to_json
from core.errors import BadInput, JournalUnreadable
from core.journal import Entry, Snapshot


class Part(State, frozen=True):
    money: Decimal = Decimal(0)
    weight: float | None = None
    name: str = ""


class Had(Message, frozen=True):
    """Something of every form that a message may hold."""

    part: Part
    parts: tuple[Part, ...] = ()
    by_name: dict[str, Part | None] = field(default_factory=dict)
    by_number: dict[int, float] = field(default_factory=dict)
    number: int = 0
    flag: bool = False


class Ended(Message, frozen=True):
    because: str = ""


class Things(State, frozen=True):
    had: tuple[Had, ...] = ()
    by_number: dict[int, Part] = field(default_factory=dict)


Event = Had | Ended


def kind(**fields: Any) -> EntityKind[Things, Event, Event]:
    made: EntityKind[Things, Event, Event] = EntityKind(
        name="Things",
        state=Things,
        commands=Event,
        events=Event,
        replies=Event,
        initial=lambda _: Things(),
        decide=lambda _state, command, _now, _chance: Decision(command, (command,)),
        evolve=lambda state, event: Things((*state.had, event)) if isinstance(event, Had) else state,
    )
    return replace(made, **fields)


CODEC = Codec(kind())
texts = st.text(st.characters(codec="utf-8"), max_size=20)
floats = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.decimals(allow_nan=False, allow_infinity=False) | st.integers(-(10**60), 10**60).map(Decimal)
numbers = st.integers(-(10**40), 10**40)
parts = st.builds(Part, decimals, st.none() | floats, texts)
had = st.builds(
    Had,
    parts,
    st.lists(parts, max_size=3).map(tuple),
    st.dictionaries(texts, st.none() | parts, max_size=3),
    st.dictionaries(st.integers(-(2**63), 2**63 - 1), floats, max_size=3),
    numbers,
    st.booleans(),
)
events = st.one_of(had, st.builds(Ended, texts))
states = st.builds(Things, st.lists(had, max_size=2).map(tuple), st.dictionaries(st.integers(0, 99), parts, max_size=3))


def entry(wrote: str, version: int = 1, reply: str = "{}") -> Entry:
    return Entry("Things/a", 7, 1.0, "id", version, "{}", wrote, reply)


def snapshot(state: str, version: int = 1) -> Snapshot:
    return Snapshot("Things/a", 7, 1.0, version, state)


def bits(value: Any) -> str:
    """Also what equality does not tell: -0.0 from 0.0, 1.0 from 1, and the places of a Decimal."""
    return repr(value)


@given(st.lists(events, max_size=4).map(tuple))
def test_events_come_back_bit_for_bit(happened: tuple[Event, ...]) -> None:
    read = CODEC.events(entry(to_json(happened)))
    assert (read, bits(read)) == (happened, bits(happened))


@given(states)
def test_a_state_comes_back_bit_for_bit(state: Things) -> None:
    text = to_json(state)
    read = CODEC.state(snapshot(text))
    assert (read, bits(read), to_json(read)) == (state, bits(state), text)


@given(events)
def test_commands_and_replies_come_back_bit_for_bit(message: Event) -> None:
    assert bits(CODEC.command(to_json(message))) == bits(message)
    assert bits(CODEC.reply(entry("[]", reply=to_json(message)))) == bits(message)


# Where a value that cannot be kept may stand.
PLACES = [
    lambda value: Had(Part(weight=value)),
    lambda value: Had(Part(), parts=(Part(), Part(weight=value))),
    lambda value: Had(Part(), by_name={"a": None, "b": Part(weight=value)}),
    lambda value: Had(Part(), by_number={1: 0.0, 2: value}),
    lambda value: Things((Had(Part(weight=value)),)),
    lambda value: (Ended("null NaN Infinity"), Had(Part(weight=value))),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused(place: Any, value: float) -> None:
    with pytest.raises(BadInput, match=r"is not finite. Send finite numbers"):
        to_json(place(value))
    assert to_json(place(1e308))
    assert to_json(place(None))


@pytest.mark.parametrize("value", ["NaN", "sNaN", "-NaN123", "Infinity", "-Infinity"])
def test_money_that_is_not_finite_is_refused(value: str) -> None:
    with pytest.raises(BadInput, match="is not finite"):
        to_json(Had(Part(), by_name={"a": Part(money=Decimal(value))}))
    assert to_json(Part(money=Decimal("1E+400")))


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\udc80b"])
def test_half_a_character_is_refused_wherever_it_stands(text: str) -> None:
    for message in (
        Ended(text),
        Had(Part(name=text)),
        Had(Part(), by_name={text: None}),
        Things((Had(Part(name=text)),)),
    ):
        with pytest.raises(BadInput, match=r"half a character. Send whole characters"):
            to_json(message)


WRONG = [
    "",
    "{",
    "null",
    "[1]",
    '[{"type":"Nobody"}]',
    '[{"type":"Ended","more":1}]',
    '[{"type":"Had"}]',
    '["\\ud800"]',
]


@pytest.mark.parametrize("text", [*WRONG, "[", '[{"type":"Ended","because":"\x00"}]'])
def test_a_text_that_is_none_of_ours_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(JournalUnreadable, match=r"Things/a at entry 7 cannot be read .*Restore the journal"):
        CODEC.events(entry(text))
    with pytest.raises(JournalUnreadable, match=r"Things/a, snapshot at entry 7, cannot be read"):
        CODEC.state(snapshot(text))
    with pytest.raises(JournalUnreadable, match="Things/a at entry 7 cannot be read"):
        CODEC.reply(entry("[]", reply=text))
    with pytest.raises(BadInput, match="Things has no such command"):
        CODEC.command(text)


# ------------------------------------------------------------ two releases later
def with_reason(event: dict[str, Any]) -> dict[str, Any]:
    """Form 1 had `why` where form 2 has `reason`."""
    return {("reason" if name == "why" else name): value for name, value in event.items()}


def with_because(event: dict[str, Any]) -> dict[str, Any]:
    return {("because" if name == "reason" else name): value for name, value in event.items()}


def with_parts(state: dict[str, Any]) -> dict[str, Any]:
    """Form 1 kept names by number, form 2 keeps parts."""
    named = state.get("by_number", {}).items()
    return {**state, "by_number": {number: {"name": name} for number, name in named}}


LATER = Codec(
    kind(
        version=3, upcast_event={1: with_reason, 2: with_because}, upcast_state={1: with_parts, 2: lambda state: state}
    )
)


def test_events_of_every_older_form_are_raised_step_by_step() -> None:
    had = to_json(Had(Part(Decimal("1.10")), by_number={-3: 0.1}, number=10**30))
    for version, name in ((1, "why"), (2, "reason"), (3, "because")):
        read = LATER.events(entry(f'[{{"type":"Ended","{name}":"é𝄞"}},{had}]', version))
        expected = (Ended("é𝄞"), Had(Part(Decimal("1.10")), by_number={-3: 0.1}, number=10**30))
        assert bits(read) == bits(expected)


def test_snapshots_of_every_older_form_are_raised_step_by_step() -> None:
    expected = Things(by_number={3: Part(name="é"), 12: Part(name="b")})
    assert LATER.state(snapshot('{"by_number":{"3":"é","12":"b"}}', 1)) == expected
    for version in (2, 3):
        assert LATER.state(snapshot('{"by_number":{"3":{"name":"é"},"12":{"name":"b"}}}', version)) == expected


@given(st.lists(events, max_size=3).map(tuple), states)
def test_an_upcast_that_changes_nothing_changes_not_a_bit(happened: tuple[Event, ...], state: Things) -> None:
    same = Codec(kind(version=2, upcast_event={1: lambda event: event}, upcast_state={1: lambda state: state}))
    assert bits(same.events(entry(to_json(happened)))) == bits(happened)
    assert bits(same.state(snapshot(to_json(state)))) == bits(state)


def test_a_form_that_nothing_raises_is_refused() -> None:
    codec = Codec(kind(version=3, upcast_event={1: with_reason}, upcast_state={2: with_parts}))
    for version in (1, 2):
        with pytest.raises(JournalUnreadable, match="Things/a at entry 7 has form 2, which nothing raises"):
            codec.events(entry('[{"type":"Ended"}]', version))
    with pytest.raises(JournalUnreadable, match=r"has form 1, which nothing raises. Give the kind an upcast"):
        codec.state(snapshot("{}", 1))


def test_a_newer_form_is_refused_and_its_release_asked_for() -> None:
    for read in (lambda: CODEC.events(entry("[]", 2)), lambda: CODEC.state(snapshot("{}", 2))):
        with pytest.raises(JournalUnreadable, match=r"newer release \(form 2; this one knows 1\)\. Run that release"):
            read()


def test_an_upcast_to_what_is_not_todays_form_is_refused() -> None:
    broken = Codec(
        kind(version=2, upcast_event={1: lambda _: {"type": "Nobody"}}, upcast_state={1: lambda _: {"x": 1}})
    )
    for read in (lambda: broken.events(entry('[{"type":"Ended"}]')), lambda: broken.state(snapshot("{}"))):
        with pytest.raises(JournalUnreadable, match="cannot be read"):
            read()


def test_a_kind_decides_with_what_its_codec_read() -> None:
    command = Had(Part(Decimal("0.30")))
    of = kind()
    decision = of.decide(Things(), CODEC.command(to_json(command)), 0.0, Chance("Things/a", 1))
    assert of.replay(Things(), CODEC.events(entry(to_json(decision.events)))) == Things((command,))
