"""The activity log's decisions, one by one."""

import msgspec
import pytest
from msgspec import structs

from core.activity import (
    DAY_S,
    KIND,
    MAX_DOCUMENTS,
    Activity,
    Command,
    Erase,
    Log,
    Noted,
    Prune,
    SetRetention,
    decide,
)
from core.activity_documents import MAX_ERASED, AnswerActivity, Counts, Feedback
from core.entities import Chance
from core.entity_codec import Codec, to_json
from core.errors import BadInput
from core.messages import Receipt

CHANCE = Chance("ActivityLog/t", 1)
WORDS = "why-privately"
ANSWER = AnswerActivity(
    answer_id="1", workspace="c", user="u", supported=True, receipt=Receipt(), question=WORDS, answer=WORDS
)


def logged(state: Activity, at: float) -> Activity:
    return KIND.replay(state, decide(state, Log((ANSWER,), 1), at, CHANCE).events)


def test_one_reminder_is_enough() -> None:
    first = decide(Activity(), Log((ANSWER,), 1), 10.0, CHANCE)
    assert [effect.due_at for effect in first.effects] == [10.0 + DAY_S]
    assert decide(logged(Activity(), 10.0), Log((ANSWER,), 1), 20.0, CHANCE).effects == ()


def test_a_log_that_has_run_empty_is_reminded_no_more_until_it_is_used_again() -> None:
    state = logged(Activity(), 10.0)
    decision = decide(state, Prune(), 11.0 + DAY_S, CHANCE)
    assert (decision.erased_before, decision.effects) == (11.0, ())
    state = KIND.replay(state, decision.events)
    assert state.prune_at == 0.0
    assert decide(state, Log((ANSWER,), 1), 12.0 + DAY_S, CHANCE).effects


def test_of_two_documents_with_one_id_the_later_one_stands() -> None:
    good, bad = (Feedback(answer_id="1", workspace="c", user="u", vote=vote) for vote in (1, -1))
    decision = decide(Activity(), Log((good, bad), 1), 0.0, CHANCE)
    assert decision.reply == Noted(Counts(feedback=1))
    assert [msgspec.json.decode(record.body)["vote"] for record in decision.records] == [-1]


def test_words_go_unless_they_are_to_be_kept_and_a_note_stays() -> None:
    note = Feedback(answer_id="1", workspace="c", user="u", vote=1, note=WORDS)
    answer, feedback = decide(Activity(), Log((ANSWER, note), 1), 0.0, CHANCE).records
    assert WORDS not in answer.body
    assert WORDS in feedback.body
    (answer,) = decide(Activity(), Log((ANSWER,), 1, keep_text=True), 0.0, CHANCE).records
    assert answer.body.count(WORDS) == 2


def test_an_answer_that_is_logged_again_without_its_words_has_none_left() -> None:
    records = {}
    for keep_text in (True, False):
        for record in decide(Activity(), Log((ANSWER,), 1, keep_text), 0.0, CHANCE).records:
            records[record.record_id] = record.body
    (body,) = records.values()
    assert WORDS not in body


def test_a_shorter_default_holds_for_what_is_there_at_once_and_a_longer_one_deletes_nothing() -> None:
    state = KIND.replay(Activity(), decide(Activity(), Log((ANSWER,), 30), 0.0, CHANCE).events)
    now = 20 * DAY_S
    assert decide(state, Log((ANSWER,), 7), now, CHANCE).erased_before == 13 * DAY_S
    assert decide(state, Log((ANSWER,), 30), now, CHANCE).erased_before == 0.0
    assert decide(state, Log((ANSWER,), 90), now, CHANCE).erased_before == 0.0
    chosen = KIND.replay(state, decide(state, SetRetention(60), now, CHANCE).events)
    assert decide(chosen, Log((ANSWER,), 7), now, CHANCE).erased_before == 0.0


def test_the_journal_keeps_no_command() -> None:
    assert not KIND.keeps_commands


@pytest.mark.parametrize(
    "command",
    [
        Log((), 30),
        Log((ANSWER,) * (MAX_DOCUMENTS + 1), 30),
        Log((ANSWER,), 0),
        Log((ANSWER,), 3_651),
        Log((structs.replace(ANSWER, answer_id=""),), 30),
        SetRetention(0),
        SetRetention(-1),
        SetRetention(3_651),
        SetRetention(float("nan")),  # type: ignore[arg-type]  # what a caller without types may send
        Erase((), "user"),
        Erase(("diary/1",), "user"),
        Erase(tuple(f"answer/{number}" for number in range(MAX_ERASED + 1)), "user"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(command: Command) -> None:
    with pytest.raises(BadInput) as refused:
        decide(Activity(), command, 0.0, CHANCE)
    assert refused.value.advice.endswith(".")


@pytest.mark.parametrize(
    "command", [Log((ANSWER,), 30, True), SetRetention(None), Erase(("answer/1",), "user"), Prune()]
)
def test_a_command_comes_back_from_json(command: Command) -> None:
    assert Codec(KIND).command(to_json(command)) == command
