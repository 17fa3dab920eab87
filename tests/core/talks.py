"""The real talks of the sample channel and the caption files, as sentences and passages."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from core.captions import parse
from core.messages import Passage, Recording, Sentence
from core.passages import to_passages
from core.sentences import to_sentences
from core.speakers import with_speakers

ROOT = Path(__file__).parents[2]
CHANNEL = tuple(sorted((ROOT / "demo/channel/talks").glob("*.vtt")))
REAL = tuple(sorted((ROOT / "tests/data/captions/real").iterdir()))
DERIVED = tuple(sorted((ROOT / "tests/data/captions/derived").iterdir()))
ALL = (*CHANNEL, *REAL, *DERIVED)


@cache
def sentences_of(path: Path) -> tuple[Sentence, ...]:
    return tuple(to_sentences(with_speakers(parse(path.read_bytes()).cues), language_of(path)))


@cache
def passages_of(path: Path) -> tuple[Passage, ...]:
    recording = Recording(path.stem, f"https://talks.example/{path.stem}", path.stem.replace("-", " "))
    return to_passages(recording, sentences_of(path))


def language_of(path: Path) -> str:
    """As the file's name tells, else English."""
    codes = [part for part in path.name.split("__")[:-1] if len(part) == 2 and part != "hf"]
    return codes[0] if codes else "en"


def texts() -> Iterator[tuple[Path, str]]:
    for path in ALL:
        yield path, " ".join(sentence.text for sentence in sentences_of(path))
