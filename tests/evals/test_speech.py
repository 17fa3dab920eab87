"""The speech eval: its figures on human speech, and that it sees what is wrong."""

import json
import shutil
from pathlib import Path

import pytest

from core.errors import BadInput
from core.messages import Cue
from evals.speech import Clip, aligned, run, time_errors, words_of

DATA = Path(__file__).parents[1] / "data" / "speech"


@pytest.mark.model
def test_human_speech_is_understood_and_its_times_are_right() -> None:
    figures = run(DATA)
    rate = figures["word_error_rate"]
    assert isinstance(rate, float)
    assert rate <= 0.06
    assert figures["clips"] == 10
    assert figures["times_within_0_3_s"] == figures["times"]
    assert isinstance(figures["times"], int)
    assert figures["times"] >= 14  # of 20: a word that was misheard has no time


@pytest.mark.model
def test_a_wrong_text_and_a_wrong_time_are_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "sense_and_sensibility_01_austen_64kb-0930.wav"
    shutil.copy(DATA / name, tmp_path)
    row = {"file": name, "language": "en", "text": "He might never have been made amiable himself.", "begins_s": 1.5}
    (tmp_path / "index.jsonl").write_text(json.dumps(row), encoding="utf-8")
    figures = run(tmp_path)
    assert (figures["words"], figures["wrong"], figures["times"]) == (8, 1, 1)
    assert figures["times_within_0_3_s"] == 0
    assert f"1 wrong in {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mr. Dashwood's 21 cold-hearted cards!", "mister dashwoods twenty one cold hearted cards"),
        ("10 of clubs, 7", "ten of clubs seven"),
        ("In 1811, 90 ships", "in 1811 ninety ships"),
        ("“Ill-disposed”?", "ill disposed"),
        ("…", ""),
    ],
)
def test_texts_are_compared_in_one_form(text: str, words: str) -> None:
    assert words_of(text) == words.split()


def test_the_fewest_differences_are_counted() -> None:
    def wrong(one: str, other: str) -> int:
        return sum(left != right for left, right in aligned(one.split(), other.split()))

    assert wrong("a b c d", "a b c d") == 0
    assert wrong("a b c d", "a x c d") == 1
    assert wrong("a b c d", "b c d") == 1
    assert wrong("a b c d", "a b b c d e") == 2
    assert wrong("a b", "") == 2
    assert wrong("", "a b") == 2


def test_times_are_judged_where_the_word_was_recognised() -> None:
    clips = [
        Clip(Path("a"), "en", ("tide", "pool"), 0.5, 2.0, 10.0),
        Clip(Path("b"), "en", ("sea", "star"), 0.25, None, 20.0),
    ]
    heard = [Cue(10.7, 11.0, "Tide"), Cue(11.5, 12.1, "pool."), Cue(20.0, 20.5, "C"), Cue(20.5, 21.0, "star")]
    starts, ends = time_errors(clips, heard)
    assert starts == [pytest.approx(0.2)]
    assert ends == [pytest.approx(0.1)]


def test_data_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is missing"):
        run(tmp_path)
    for content, problem in (("", "names no clips"), ('{"file": ', "cannot be read"), ("{}", "cannot be read")):
        (tmp_path / "index.jsonl").write_text(content, encoding="utf-8")
        with pytest.raises(BadInput, match=problem):
            run(tmp_path)
