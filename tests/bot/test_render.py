from dataclasses import replace

from bot import render
from bot.page import Line, Page, Style, Tone
from core.messages import (
    Claim,
    Health,
    Hit,
    IngestOutcome,
    IngestProgress,
    IngestReport,
    IngestState,
    IngestStep,
    Library,
    PartHealth,
    Passage,
    Quote,
    Receipt,
    Recording,
    Sentence,
    StageTime,
)
from tests.fakes.assistant import PASSAGE, QUOTE, RECEIPT, TALK, answer_to, claim


def text_of(line: Line) -> str:
    return "".join(span.text for span in line.spans)


def texts(page: Page) -> list[str]:
    return [text_of(line) for line in page.lines]


def test_a_claim_stands_over_its_quotes() -> None:
    page = render.answer(answer_to("How hot?", claim("Use cooler water."), claim("Really.")))
    assert texts(page)[:4] == [
        "Use cooler water.",
        "“Green tea wants water well below boiling.” — Ada Example, Brewing tea 12:34",
        "",
        "Really.",
    ]
    quote = page.lines[1]
    assert quote.quoted
    assert quote.spans[-1].url == QUOTE.link
    assert [span.text for span in quote.spans if span.style is Style.ITALIC] == ["Brewing tea"]
    assert (page.title, page.tone) == ("How hot?", Tone.ANSWER)


def test_an_extractive_claim_is_said_once() -> None:
    page = render.answer(answer_to("How hot?", Claim(QUOTE.text, (QUOTE,))))
    assert [line.quoted for line in page.lines] == [True]
    page = render.answer(answer_to("How hot?", Claim(f"{QUOTE.text} {QUOTE.text}", (QUOTE, QUOTE))))
    assert [line.quoted for line in page.lines] == [True, True]


def test_a_recording_without_speaker_or_title() -> None:
    nameless = Quote("Words.", 5.0, "https://talks.example/2#t=5", Recording("2", "https://talks.example/2", " "))
    page = render.answer(answer_to("?", claim("A claim.", nameless)))
    assert texts(page)[1] == "“Words.” — untitled 0:05"


def test_where_nothing_supports_it_says_so_and_what_was_searched() -> None:
    page = render.answer(answer_to("Who?"))
    assert texts(page)[0] == "The transcripts don't say."
    assert "8 passages" in texts(page)[1]
    assert page.tone is Tone.NOTHING
    assert page.footer.startswith("local/extractive")


def test_an_answer_on_record_points_to_its_receipt() -> None:
    told = replace(answer_to("How hot?", claim()), answer_id="a-1")
    assert render.answer(told).footer == f"{render.receipt(RECEIPT)} · /receipt tells more"
    assert render.answer(replace(told, claims=())).footer.endswith("/receipt tells more")


def test_where_nothing_was_searched_it_says_how_to_begin() -> None:
    page = render.answer(answer_to("Who?", receipt=Receipt()))
    assert "/analyze" in texts(page)[1]


def test_the_receipt_tells_model_time_tokens_cost_and_what_went_wrong() -> None:
    assert render.receipt(RECEIPT) == "local/extractive · 0.04 s · 345 tokens · free"
    full = Receipt(
        "gpt", 10, 1, 0.01234, quotes_dropped=1, degraded="two models were\ndown", stages=(StageTime("x", 1500),)
    )
    assert render.receipt(full) == (
        "gpt · 1.50 s · 11 tokens · $0.0123 · 1 quote dropped that the transcripts do not have "
        "· degraded: two models were down"
    )
    assert render.receipt(Receipt()) == "no model · 0.00 s · free"


def test_hits_show_source_link_and_the_beginning() -> None:
    long = Passage("p", TALK, 0, (Sentence(61.0, 99.0, "word " * 200),))
    page = render.hits("tea", [Hit(PASSAGE, 1.0), Hit(long, 0.5)])
    assert texts(page)[0] == "Ada Example, Brewing tea 12:34"
    assert page.lines[0].spans[-1].url == "https://talks.example/1#t=754"
    assert texts(page)[3].endswith("…”")
    assert len(texts(page)[3]) < 330
    assert page.footer == "2 passages found"


def test_a_hit_is_shown_and_linked_from_its_best_sentence_on() -> None:
    said = (
        Sentence(0.0, 4.0, "Welcome to the show."),
        Sentence(65.0, 69.0, "Tea wants cooler water.", "A guest"),
        Sentence(69.0, 72.0, "That is all."),
    )
    page = render.hits("tea", [Hit(Passage("p", TALK, 0, said), 1.0, (0.1, 0.8, 0.3))])
    text = "\n".join(texts(page))
    assert "A guest, Brewing tea 1:05" in text
    assert "“Tea wants cooler water. That is all.”" in text
    assert "Welcome" not in text


def test_no_hits() -> None:
    page = render.hits("tea", [])
    assert page.tone is Tone.NOTHING
    assert "/status" in texts(page)[0]


def test_progress_names_the_step() -> None:
    shown = render.progress(IngestProgress(IngestStep.CAPTIONS, 1, 3, "A\ntalk"))
    assert (shown.text, shown.done, shown.total, shown.title) == ("Reading captions", 1, 3, "A talk")
    assert all(render.progress(IngestProgress(step, 0, 0)).text for step in IngestStep)


def outcome(state: IngestState, number: int = 1, reason: str = "") -> IngestOutcome:
    return IngestOutcome(f"https://talks.example/{number}", f"Talk {number}", state, 3, reason)


def test_a_report_counts_and_puts_failures_first() -> None:
    kinds = [IngestState.INGESTED, IngestState.SKIPPED, IngestState.FAILED, IngestState.UNCHANGED]
    outcomes = tuple(
        outcome(kind, number, "It has no captions." * (kind is IngestState.SKIPPED))
        for number, kind in enumerate(kinds)
    )
    page = render.report(IngestReport("https://talks.example", outcomes))
    assert texts(page) == [
        "1 new, 1 here already, 1 left out, 1 failed",
        "• Talk 2: failed (3 passages)",
        "• Talk 1: left out (It has no captions.)",
        "• Talk 0: new (3 passages)",
        "• Talk 3: here already (3 passages)",
    ]
    assert page.tone is Tone.ANSWER


def test_a_long_report_is_shortened_and_an_empty_one_says_so() -> None:
    many = IngestReport("https://x", tuple(outcome(IngestState.INGESTED, number) for number in range(40)))
    assert texts(render.report(many))[-1] == "… and 25 more"
    assert render.report(IngestReport("https://x")).tone is Tone.NOTHING


def test_a_report_of_failures_alone_is_a_problem() -> None:
    failed = render.report(IngestReport("https://x", (IngestOutcome("https://x/1", "", IngestState.FAILED),)))
    assert failed.tone is Tone.PROBLEM
    assert texts(failed)[1] == "• https://x/1: failed"


def test_status_lists_recordings_and_parts() -> None:
    many = tuple(Recording(str(number), f"https://x/{number}", f"Talk {number}") for number in range(20))
    page = render.status(Library((TALK, *many), 1234), Health((PartHealth("store", False, "disk full"),)))
    shown = texts(page)
    assert shown[0] == "21 recordings, 1,234 passages"
    assert shown[1] == "• Brewing tea — Ada Example"
    assert "… and 6 more" in shown
    assert shown[-2:] == ["Not everything works", "✗ store (disk full)"]
    assert page.tone is Tone.PROBLEM
