"""Why a decision came out as it did, and what another one would have come to."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from msgspec import structs

from core.entities import Chance, Decision, Message
from core.entity_codec import to_json
from core.errors import BadInput, JournalUnreadable
from core.flat_paths import Change
from core.time_travel import Moment, Past
from tests.core.pasts import PAID, PURSE, START, STREAMS, Bet, Lost, Paid, Pay, Purse, Recorded, TooPoor, Won, record


# ---------------------------------------------------------------- why
@given(STREAMS)
def test_every_decision_comes_out_the_same_again(recorded: Recorded) -> None:
    past = recorded.past()
    for entry in recorded.entries:
        why = past.why(entry.seq)
        assert (why.verdict, why.differences) == ("same", ())
        assert to_json(why.before) == recorded.live[entry.seq - 1]


def test_a_decision_that_chance_made_comes_out_otherwise_with_another_chance() -> None:
    """So the chance is the entry's own, and why would tell if it were not."""
    bets = record(PURSE, "somebody", [(0.0, Pay(1_000_000)), *[(1.0, Bet(50_000))] * 8], 100)
    moved = [structs.replace(entry, stream="Purse/somebody-else") for entry in bets.entries]
    verdicts = [Past(PURSE, "somebody", [], moved).why(seq).verdict for seq in range(2, 10)]
    assert "different" in verdicts
    assert {bets.past().why(seq).verdict for seq in range(2, 10)} == {"same"}


def test_a_changed_release_is_told_with_what_it_does_differently() -> None:
    def doubled(state: Purse, command: Bet | Pay, now: float, chance: Chance) -> Decision[Won | Lost | Paid]:
        del state, now, chance
        return Decision(TooPoor("so"), (Paid(command.coins * 2), Lost(1)))

    why = Past(replace(PURSE, decide=doubled), "a", [], PAID.entries).why(2)
    assert why.verdict == "different"
    assert why.before == Purse(coins=6)
    paths = {change.path: change for change in why.differences}
    assert paths["events[0].coins"] == Change("events[0].coins", 7, 14)
    assert paths["reply.type"] == Change("reply.type", "Paid", "TooPoor")
    assert "events[1].type" in paths


def test_a_release_that_refuses_what_was_taken_is_told() -> None:
    def refusing(error: Exception) -> Callable[..., Decision[Won | Lost | Paid]]:
        def decide(*_: object) -> Decision[Won | Lost | Paid]:
            raise error

        return decide

    for error, told in ((BadInput("Too many coins."), "Too many coins."), (KeyError("coins"), "KeyError('coins')")):
        why = Past(replace(PURSE, decide=refusing(error)), "a", [], PAID.entries).why(1)
        assert (why.verdict, why.because) == ("different", f"This release refuses the command: {told}")


class Steal(Message, frozen=True):
    coins: int


def test_a_command_that_this_release_does_not_know_leaves_the_reason_open() -> None:
    why = Past(replace(PURSE, commands=Bet | Steal), "a", [], PAID.entries).why(1)
    assert why.verdict == "unknown"
    assert why.because.startswith("This release cannot read the command")


def test_a_kind_that_keeps_no_commands_says_so() -> None:
    kept = [structs.replace(entry, command="") for entry in PAID.entries]
    why = Past(replace(PURSE, keeps_commands=False), "a", [], kept).why(2)
    assert (why.verdict, why.before) == ("unknown", Purse(coins=6))
    assert why.because.startswith("Purse keeps no commands")


def test_the_reason_for_an_entry_whose_state_before_was_compacted_is_not_told() -> None:
    why = Past(PURSE, "a", PAID.snapshots, PAID.entries[1:]).why(2)
    assert (why.verdict, why.before) == ("unknown", None)
    assert Past(PURSE, "a", PAID.snapshots, PAID.entries[1:]).why(3).verdict == "same"


def test_a_reply_that_is_no_json_is_refused() -> None:
    with pytest.raises(JournalUnreadable, match="what entry 1 replied cannot be read"):
        Past(PURSE, "a", [], [structs.replace(PAID.entries[0], reply="{")]).why(1)


# ---------------------------------------------------------------- asking
@given(STREAMS)
def test_a_command_asked_of_the_moment_before_it_comes_to_what_it_came_to(recorded: Recorded) -> None:
    past = recorded.past()
    for entry in recorded.entries:
        decision = past.ask(Moment(entry.seq - 1, entry.at), past.command(entry.command))
        assert (to_json(decision.events), to_json(decision.reply)) == (entry.events, entry.reply)
    assert [to_json(past.state(seq)) for seq in range(past.last + 1)] == recorded.live


def test_a_refusal_that_was_not_kept_is_found_by_asking_again() -> None:
    decision = PAID.past().ask(Moment(2, START + 12), Bet(14))
    assert decision.reply == TooPoor("14 coins are bet and 13 are there.")
    assert decision.events == ()


def test_a_command_that_makes_no_sense_is_refused() -> None:
    past = PAID.past()
    with pytest.raises(BadInput, match="Purse cannot decide this"):
        past.ask(Moment(0, START), Bet("many"))  # type: ignore[arg-type]  # as a defect of a kind would raise
    with pytest.raises(BadInput, match="-1 coins cannot be handed over"):
        past.ask(Moment(0, START), Pay(-1))
    for text in ("", "{", "[]", '{"type":"Nothing"}', '{"type":"Pay"}', '{"type":"Pay","coins":1,"more":2}', "\ud800"):
        with pytest.raises(BadInput, match="has no such command"):
            past.command(text)
