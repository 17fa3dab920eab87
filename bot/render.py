"""From values to pages. Pure: it knows neither Discord nor the terminal."""

from collections.abc import Sequence

from bot.page import BLANK, Line, Page, Progress, Span, Style, Tone, line
from bot.plain_text import clock, counted, one_line, shorten
from core.links import link_at
from core.messages import (
    Answer,
    Health,
    Hit,
    IngestOutcome,
    IngestProgress,
    IngestReport,
    IngestState,
    IngestStep,
    Library,
    Quote,
    Receipt,
    Recording,
    Sentence,
)

MAX_HIT_CHARS = 320
MAX_TITLE_CHARS = 120
MAX_LISTED = 15

_STEPS = {
    IngestStep.LISTING: "Reading the link",
    IngestStep.CAPTIONS: "Reading captions",
    IngestStep.SPEECH: "Listening, for want of captions",
    IngestStep.EMBEDDING: "Working out what is said",
    IngestStep.STORING: "Storing",
}
_STATES = {
    IngestState.INGESTED: "new",
    IngestState.UNCHANGED: "here already",
    IngestState.SKIPPED: "left out",
    IngestState.FAILED: "failed",
}


def answer(value: Answer) -> Page:
    """The claims, each with its quotes; or that the transcripts don't say, with what was searched."""
    footer = receipt(value.receipt) + (" · /receipt tells more" if value.answer_id else "")
    if not value.supported:
        return Page(_unsupported(value.receipt), value.question, footer, Tone.NOTHING)
    lines: list[Line] = []
    for claim in value.claims:
        if lines:
            lines.append(BLANK)
        # An extractive claim is made of its quotes: said once, as the quotes.
        if _words(claim.text) != _words(" ".join(quote.text for quote in claim.quotes)):
            lines.append(line(one_line(claim.text)))
        lines.extend(_quote(quote) for quote in claim.quotes)
    return Page(tuple(lines), value.question, footer)


def _words(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _unsupported(value: Receipt) -> tuple[Line, ...]:
    said = line(Span("The transcripts don't say.", Style.BOLD))
    if not value.passages_searched:
        return said, line("Nothing was searched: bring in talks with /analyze, then ask again.")
    passages = counted(value.passages_searched, "passage")
    return said, line(
        f"Searched: {passages} that come nearest to the question. Other words may find more; try /search."
    )


def _quote(quote: Quote) -> Line:
    parts: list[str | Span] = [f"“{one_line(quote.text)}” — ", *_source(quote.recording, quote.speaker)]
    return line(*parts, " ", Span(clock(quote.start_s), url=quote.link), quoted=True)


def _source(recording: Recording, speaker: str = "") -> list[str | Span]:
    title = Span(shorten(one_line(recording.title) or "untitled", MAX_TITLE_CHARS), Style.ITALIC)
    speaker = shorten(one_line(speaker or recording.speaker), MAX_TITLE_CHARS)
    return [f"{speaker}, ", title] if speaker else [title]


def receipt(value: Receipt) -> str:
    """One line on how the answer came about: model, time, tokens, cost, and what went wrong on the way."""
    parts = [value.model or "no model", f"{value.wall_ms / 1000:.2f} s"]
    tokens = value.prompt_tokens + value.completion_tokens
    if tokens:
        parts.append(counted(tokens, "token"))
    parts.append(cost(value.cost_usd))
    if value.quotes_dropped:
        parts.append(f"{counted(value.quotes_dropped, 'quote')} dropped that the transcripts do not have")
    if value.degraded:
        parts.append(f"degraded: {value.degraded}")
    return one_line(" · ".join(parts))


def cost(cost_usd: float) -> str:
    return f"${cost_usd:.4f}" if cost_usd else "free"


def hits(words: str, found: Sequence[Hit]) -> Page:
    """The passages found, best first: of each the words from its best sentence on, who says it, and a link there."""
    if not found:
        nothing = line("Nothing was found. Try other words, or see /status for what there is to search.")
        return Page((nothing,), words, tone=Tone.NOTHING)
    lines: list[Line] = []
    for hit in found:
        recording, sentences = hit.passage.recording, _from_the_best(hit)
        link = Span(clock(sentences[0].start_s), url=link_at(recording.url, sentences[0].start_s))
        lines.append(line(*_source(recording, sentences[0].speaker), " ", link))
        text = one_line(" ".join(sentence.text for sentence in sentences))
        lines.append(line(f"“{shorten(text, MAX_HIT_CHARS)}”", quoted=True))
    return Page(tuple(lines), words, f"{counted(len(found), 'passage')} found")


def _from_the_best(hit: Hit) -> Sequence[Sentence]:
    """The passage's sentences from the one nearest to the question on; all, where the store tells no relevance."""
    best = max(range(len(hit.relevance)), key=hit.relevance.__getitem__, default=0)
    return hit.passage.sentences[best:]


def progress(value: IngestProgress) -> Progress:
    """How far an ingest is."""
    return Progress(_STEPS[value.step], value.done, value.total, shorten(one_line(value.title), MAX_TITLE_CHARS))


def report(value: IngestReport) -> Page:
    """What became of each recording: the counts, then those that need a word, failures first."""
    if not value.outcomes:
        nothing = line("Nothing was found behind that link. Check that it opens in a browser without signing in.")
        return Page((nothing,), "Nothing to bring in", tone=Tone.NOTHING)
    counts = [f"{value.count(state)} {_STATES[state]}" for state in IngestState if value.count(state)]
    order = (IngestState.FAILED, IngestState.SKIPPED, IngestState.INGESTED, IngestState.UNCHANGED)
    ranked = sorted(value.outcomes, key=lambda outcome: order.index(outcome.state))
    lines = [line(Span(", ".join(counts), Style.BOLD)), *(_outcome(outcome) for outcome in ranked[:MAX_LISTED])]
    if len(ranked) > MAX_LISTED:
        lines.append(line(f"… and {len(ranked) - MAX_LISTED} more"))
    all_failed = value.count(IngestState.FAILED) == len(ranked)
    title = f"{counted(len(ranked), 'recording')} behind the link"
    return Page(tuple(lines), title, tone=Tone.PROBLEM if all_failed else Tone.ANSWER)


def _outcome(outcome: IngestOutcome) -> Line:
    title = Span(shorten(one_line(outcome.title or outcome.url), MAX_TITLE_CHARS), Style.ITALIC, outcome.url)
    told = one_line(outcome.reason) or (counted(outcome.passages, "passage") if outcome.passages else "")
    return line("• ", title, f": {_STATES[outcome.state]}" + (f" ({told})" if told else ""))


def status(library: Library, health: Health) -> Page:
    """What the workspace holds, and whether each part works."""
    lines: list[Line] = []
    held = f"{counted(len(library.recordings), 'recording')}, {counted(library.passages, 'passage')}"
    lines.append(line(Span(held, Style.BOLD)))
    for recording in library.recordings[:MAX_LISTED]:
        title = Span(shorten(one_line(recording.title) or recording.url, MAX_TITLE_CHARS), url=recording.url)
        lines.append(line("• ", title, f" — {one_line(recording.speaker)}" if recording.speaker else ""))
    if len(library.recordings) > MAX_LISTED:
        lines.append(line(f"… and {len(library.recordings) - MAX_LISTED} more"))
    if not library.recordings:
        lines.append(line("Nothing is here yet: bring in talks with /analyze."))
    return Page((*lines, BLANK, *_parts(health)), "Status", tone=_tone(health))


def health(value: Health) -> Page:
    """Whether each part works, and why not."""
    return Page(_parts(value), "Health", tone=_tone(value))


def _parts(health: Health) -> tuple[Line, ...]:
    lines = [line(Span("Every part works" if health.healthy else "Not everything works", Style.BOLD))]
    for part in health.parts:
        detail = f" ({one_line(part.detail)})" if part.detail else ""
        lines.append(line(f"{'✓' if part.healthy else '✗'} {part.part}{detail}"))
    return tuple(lines)


def _tone(health: Health) -> Tone:
    return Tone.ANSWER if health.healthy else Tone.PROBLEM
