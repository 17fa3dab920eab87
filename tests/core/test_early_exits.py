import pytest

from core.early_exits import NO_RULES, EarlyExit, ExitReason, ExitRules, Facts, exit_by_facts, exit_by_text
from core.messages import Recording, Sentence
from core.uploads import UploadKind
from tests.core.talks import ALL, language_of, sentences_of
from tests.core.test_text_quality import CREATOR, SPAM

RULES = ExitRules()
NOW = 1_800_000_000.0
DAY_S = 86_400.0
TALK = " ".join(sentence.text for sentence in sentences_of(ALL[0]))


def recording(language: str = "") -> Recording:
    return Recording("r", "https://talks.example/r", "A talk", language=language)


def by_text(text: str, rules: ExitRules = RULES, language: str = "") -> EarlyExit | None:
    return exit_by_text(rules, recording(language), [Sentence(0.0, 60.0, text)] if text else [])


def reason(found: EarlyExit | None) -> ExitReason | None:
    return found.reason if found else None


def test_no_real_talk_is_refused() -> None:
    for path in ALL:
        rules = ExitRules(languages=(language_of(path),))
        assert exit_by_text(rules, recording(), sentences_of(path)) is None, path.name


@pytest.mark.parametrize(
    ("kind", "length_s", "refused"),
    [
        (UploadKind.VIDEO, 44.0, True),
        (UploadKind.VIDEO, 45.0, False),
        (UploadKind.SHORT, 29.0, True),
        (UploadKind.SHORT, 30.0, False),
        (UploadKind.STREAM, 44.0, False),
        (UploadKind.VIDEO, 0.0, False),
    ],
)
def test_what_is_short_for_its_kind_is_refused_and_an_unknown_length_is_not(
    kind: UploadKind, length_s: float, refused: bool
) -> None:
    found = exit_by_facts(RULES, Facts(kind, length_s), NOW)
    assert reason(found) == (ExitReason.TOO_SHORT if refused else None)


def test_the_sentence_says_how_short_and_what_is_asked() -> None:
    found = exit_by_facts(RULES, Facts(UploadKind.SHORT, 12.0), NOW)
    assert found is not None
    assert found.because == "It is a short of 12 s; from 30 s on they are brought in."


@pytest.mark.parametrize(
    ("views", "age_days", "refused"),
    [
        (49, 31, True),
        (50, 31, False),
        (0, 30, False),
        (0, 400, True),
        (None, 400, False),
        (3, None, False),
        (3, -5, False),
    ],
)
def test_few_views_count_only_where_it_had_the_time(views: int | None, age_days: float | None, refused: bool) -> None:
    published_at = None if age_days is None else NOW - age_days * DAY_S
    found = exit_by_facts(RULES, Facts(length_s=600, views=views, published_at=published_at), NOW)
    assert reason(found) == (ExitReason.FEW_VIEWS if refused else None)


def test_a_page_of_spam_is_refused_and_a_creators_description_is_not() -> None:
    assert reason(exit_by_facts(RULES, Facts(title="FREE MONEY!!!", description=SPAM), NOW)) == ExitReason.SPAM
    assert exit_by_facts(RULES, Facts(title="A compiler from scratch", description=CREATOR), NOW) is None
    assert reason(by_text(SPAM * 3)) in (ExitReason.SPAM, ExitReason.UNINTELLIGIBLE)


def test_little_text_is_refused_and_sounds_are_no_text() -> None:
    assert reason(by_text("")) == ExitReason.LITTLE_TEXT
    assert reason(by_text("[Music] [Applause] " * 100)) == ExitReason.LITTLE_TEXT
    assert by_text("♫ Sailing away on the silent sea, we sing of the shore. ♫ " * 8) is None


def test_noise_is_unintelligible() -> None:
    assert reason(by_text("thank you " * 100)) == ExitReason.UNINTELLIGIBLE
    few_words = ExitRules(max_repetition=0.0)
    assert reason(by_text("thank you " * 100, few_words)) == ExitReason.UNINTELLIGIBLE


@pytest.mark.parametrize(
    ("text", "declared", "allowed", "refused"),
    [
        (TALK, "", ("en",), False),
        (TALK, "", ("de", "fr-CA"), True),
        (TALK, "de", ("en",), False),  # what is said counts more than what the track is called
        (TALK, "en", (), False),
        ("xyzzy plugh " * 20, "", ("en",), False),  # not sure, and nobody says
        ("Ez az egyik oka annak, hogy nem így csináljuk, mert túl sok az adat. " * 1, "hu", ("en",), True),
    ],
)
def test_a_language_that_is_not_asked_for_is_refused(
    text: str, declared: str, allowed: tuple[str, ...], refused: bool
) -> None:
    rules = ExitRules(min_transcript_chars=0, max_repetition=0, min_unique_words=0, languages=allowed)
    assert reason(by_text(text, rules, declared)) == (ExitReason.WRONG_LANGUAGE if refused else None)


def test_without_rules_nothing_is_refused() -> None:
    worst = Facts(UploadKind.SHORT, 1.0, 0, NOW - 1000 * DAY_S, "FREE MONEY!!!", SPAM)
    assert exit_by_facts(NO_RULES, worst, NOW) is None
    assert by_text("spam " * 100, NO_RULES) is None
    assert by_text("", NO_RULES) is None
