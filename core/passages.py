"""Passages: runs of whole sentences of one recording, the unit of retrieval."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID, uuid5

from core.chapters import chapter_at, heading_at
from core.following import Chapter
from core.messages import Passage, Recording, Sentence
from core.words import count_tokens, whole_characters

# Any fixed UUID would do. Changing it changes every passage's id, so that a store would hold everything twice.
_NAMESPACE = UUID("6a1d3f0e-5b0f-5d0c-9d1e-0f6c2a7b4e11")
_SEPARATOR = "\x1f"


def to_passages(
    recording: Recording, sentences: Iterable[Sentence], max_tokens: int = 220, chapters: Sequence[Chapter] = ()
) -> tuple[Passage, ...]:
    """Pack `sentences` in their order into passages of at most `max_tokens` tokens.

    No passage goes on into the next of the `chapters` (in time order), and each has its chapter's title as heading. A
    sentence belongs to the chapter in which it begins. The heading is shown and not searched: it is no part of the
    text, which holds what was said and nothing else.

    A sentence is never cut: one longer than `max_tokens` is a passage of its own. Sentences without any text are left
    out. Tokens are words and punctuation marks (`core.words.count_tokens`); 220 of them are about 250 word pieces of
    English speech, which a model that reads 256 takes in whole. Half a character (a lone surrogate, which no file
    takes) becomes a question mark. The same input gives the same ids everywhere.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens is {max_tokens}; it must be at least 1")
    packed: list[list[Sentence]] = []
    room, chapter = 0, -1
    for sentence in sentences:
        if not sentence.text.strip():
            continue
        sentence = _encodable(sentence)
        size = count_tokens(sentence.text)
        begins_in = chapter_at(chapters, sentence.start_s)
        if not packed or size > room or begins_in != chapter:
            packed.append([])
            room, chapter = max_tokens, begins_in
        packed[-1].append(sentence)
        room -= size
    return tuple(_passage(recording, index, run, chapters) for index, run in enumerate(packed))


def passage_id(recording_id: str, index: int, text: str) -> str:
    """The id of a passage: a UUID that depends on the recording, the passage's place in it, and its words alone."""
    return str(uuid5(_NAMESPACE, _SEPARATOR.join((recording_id, str(index), text))))


def _encodable(sentence: Sentence) -> Sentence:
    text = whole_characters(sentence.text)
    return sentence if text == sentence.text else replace(sentence, text=text)


def _passage(recording: Recording, index: int, sentences: Sequence[Sentence], chapters: Sequence[Chapter]) -> Passage:
    text = " ".join(sentence.text for sentence in sentences)
    heading = heading_at(chapters, sentences[0].start_s)
    return Passage(passage_id(recording.recording_id, index, text), recording, index, tuple(sentences), heading)
