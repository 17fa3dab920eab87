"""What the activity log takes, as what it is kept, and whose receipt somebody may see."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from core.activity_documents import (
    KINDS,
    MAX_BODY_BYTES,
    MAX_FOUND,
    AnswerActivity,
    Document,
    Feedback,
    Forget,
    Found,
    ToolUse,
    checked_find,
    found,
    kind_of,
    receipt_from,
    receipt_query,
    record_of,
)
from core.entities import Find, Record
from core.errors import BadInput, JournalUnreadable
from core.messages import Receipt, StageTime
from core.results import Ok, Skip
from core.tenancy import TenantContext

ANSWER = AnswerActivity(answer_id="a-1", workspace="w", user="u", supported=True, receipt=Receipt("gpt", 3, 4, 0.1))
TOOL = ToolUse(answer_id="a-1", workspace="w", number=0, agent="summary", tool="search", ok=True, wall_ms=1.5)
VOTE = Feedback(answer_id="a-1", workspace="w", user="u", vote=1, note="Good.")

ids = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\x7f"), min_size=1, max_size=9
)
amounts = st.floats(0, 1e12)
counts = st.integers(0, 2**50)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
receipts = st.builds(
    Receipt,
    model=texts,
    prompt_tokens=counts,
    cost_usd=amounts,
    degraded=texts,
    stages=st.lists(st.builds(StageTime, texts, amounts), max_size=3).map(tuple),
)
whose: dict[str, Any] = {"answer_id": ids, "workspace": ids, "user": ids}
documents: st.SearchStrategy[Document] = st.one_of(
    st.builds(AnswerActivity, **whose, supported=st.booleans(), receipt=receipts, question=texts, answer=texts),
    st.builds(
        ToolUse, **whose, number=counts, agent=ids, tool=ids, ok=st.booleans(), wall_ms=amounts, cost_usd=amounts
    ),
    st.builds(Feedback, **whose, vote=st.sampled_from([-1, 0, 1]), note=texts),
)


@given(documents, st.floats(0, 1e10))
def test_a_document_comes_back_as_it_was_and_its_record_says_whose_it_is(document: Document, at: float) -> None:
    record = record_of(document, at)
    assert found(record) == Found(at, document)
    assert (record.user, record.channel) == (document.user, document.workspace)
    assert record.kind == kind_of(record.record_id) == KINDS[type(document)]


@given(documents, documents)
def test_two_documents_share_an_id_only_where_one_is_to_replace_the_other(one: Document, other: Document) -> None:
    def named(document: Document) -> tuple[object, ...]:
        own = (document.user,) if isinstance(document, Feedback) else ()
        return type(document), document.answer_id, *own, getattr(document, "number", None)

    assert (record_of(one, 0).record_id == record_of(other, 0).record_id) == (named(one) == named(other))


def test_a_second_vote_replaces_the_first_and_another_persons_does_not() -> None:
    first = record_of(VOTE, 1).record_id
    assert record_of(structs.replace(VOTE, vote=-1, note="No."), 2).record_id == first
    assert record_of(structs.replace(VOTE, user="v"), 2).record_id != first
    assert "u" not in first.removeprefix("feedback/a-1/").strip("0123456789abcdef")


def slow(wall_ms: float) -> Receipt:
    return Receipt(stages=(StageTime("embed", wall_ms),))


@pytest.mark.parametrize(
    "document",
    [
        structs.replace(ANSWER, answer_id=""),
        structs.replace(ANSWER, answer_id="x" * 201),
        structs.replace(ANSWER, workspace=""),
        structs.replace(ANSWER, user="u\x00"),
        structs.replace(ANSWER, user="u\n"),
        structs.replace(ANSWER, question="\ud800"),
        structs.replace(ANSWER, question=5),
        structs.replace(ANSWER, receipt=Receipt(cost_usd=math.nan)),
        structs.replace(ANSWER, receipt=Receipt(cost_usd=-0.01)),
        structs.replace(ANSWER, receipt=Receipt(prompt_tokens=-1)),
        structs.replace(ANSWER, receipt=slow(math.inf)),
        structs.replace(ANSWER, receipt=slow(-1)),
        structs.replace(TOOL, wall_ms=math.inf),
        structs.replace(TOOL, wall_ms=-1.0),
        structs.replace(TOOL, tokens=-1),
        structs.replace(TOOL, tokens=10**30),
        structs.replace(TOOL, cost_usd=math.nan),
        structs.replace(TOOL, tool=object()),
        structs.replace(VOTE, user=""),
        structs.replace(VOTE, vote=2),
        Record("answer/a", 0.0, "answer", "{}"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_what_to_do(document: Any) -> None:
    with pytest.raises(BadInput) as refused:
        record_of(document, 0.0)
    assert refused.value.problem
    assert refused.value.advice.endswith(".")


def test_a_document_that_is_too_long_is_refused_with_both_sizes() -> None:
    record_of(structs.replace(ANSWER, answer="x" * (MAX_BODY_BYTES - 1_000)), 0.0)
    with pytest.raises(BadInput, match=r"answer has 1\d\d,\d{3} bytes; at most 65,536"):
        record_of(structs.replace(ANSWER, answer="ä" * 64 * 1024), 0.0)


@pytest.mark.parametrize("body", ["", "{}", '{"type":"Diary"}', '{"type":"Feedback","vote":1}', "\ud800"])
def test_a_record_that_cannot_be_read_is_named(body: str) -> None:
    with pytest.raises(JournalUnreadable, match="answer/a-1"):
        found(Record("answer/a-1", 0.0, "answer", body))


@pytest.mark.parametrize("record_id", ["", "answer", "answer/", "diary/1"])
def test_an_id_of_nothing_in_the_log_is_refused(record_id: str) -> None:
    with pytest.raises(BadInput, match="no id of the activity log"):
        kind_of(record_id)


# ---------------------------------------------------------------- looking for documents
@pytest.mark.parametrize("find", [Find(), Find(kind="feedback", limit=MAX_FOUND), Find(since=5.0, until=5.0)])
def test_what_can_be_looked_for(find: Find) -> None:
    assert checked_find(find) is find


@pytest.mark.parametrize(
    ("find", "problem"),
    [
        (Find(kind="diary"), "keeps no 'diary'"),
        (Find(limit=0), "0 documents"),
        (Find(limit=-1), "-1 documents"),
        (Find(limit=MAX_FOUND + 1), "1001 documents"),
        (Find(limit=1.5), "1.5 documents"),  # type: ignore[arg-type]  # what a caller without types may send
        (Find(since=2.0, until=1.0), "from 2.0 to 1.0"),
        (Find(since=math.nan), "from nan"),
        (Find(until=math.nan), "to nan"),
    ],
)
def test_what_makes_no_sense_is_refused_and_does_not_seem_to_find_nothing(find: Find, problem: str) -> None:
    with pytest.raises(BadInput, match=problem) as refused:
        checked_find(find)
    assert refused.value.advice.endswith(".")


# ---------------------------------------------------------------- receipts
def test_people_see_their_own_receipts_in_their_workspace_alone() -> None:
    tenant = TenantContext("t", "w", "u")
    for answer_id, record_id in (("", ""), ("a-1", record_of(ANSWER, 0).record_id)):
        find = receipt_query(tenant, answer_id)
        assert (find.record_id, find.kind, find.user, find.channel) == (record_id, "answer", "u", "w")


def test_nobody_sees_no_receipt() -> None:
    with pytest.raises(BadInput, match="names nobody"):
        receipt_query(replace(TenantContext("t", "w", "u"), user=""), "a-1")


def test_a_receipt_or_what_to_do_where_there_is_none() -> None:
    result = receipt_from([Found(5.0, ANSWER)])
    assert isinstance(result, Ok)
    assert (result.data.at, result.data.answer) == (5.0, ANSWER)
    for nothing in (receipt_from([]), receipt_from([], "a-2"), receipt_from([Found(5.0, VOTE)])):
        assert isinstance(nothing, Skip)
        assert "/" in nothing.reason


# ---------------------------------------------------------------- deleting
@pytest.mark.parametrize("forget", [Forget(), Forget("u", everything=True), Forget(channel="c", everything=True)])
def test_it_must_be_clear_whose_activity_is_deleted(forget: Forget) -> None:
    with pytest.raises(BadInput, match="not clear whose"):
        forget.find()


def test_a_reason_names_nobody() -> None:
    assert [each.reason for each in (Forget("u"), Forget(channel="c"), Forget("u", "c"), Forget(everything=True))] == [
        "user",
        "channel",
        "user",
        "tenant",
    ]
