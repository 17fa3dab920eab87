from hypothesis import given
from hypothesis import strategies as st

from core.text_quality import repetition_share, spam_signs, tokens, unique_word_share, without_sounds
from tests.core.talks import CHANNEL, sentences_of, texts

SPAM = """\
🔥🔥🔥 MAKE $5000 A DAY!!! GUARANTEED!!! 🔥🔥🔥
Click here NOW 👉 https://win.example/1 and message me on Telegram https://t.me/x for your FREE BONUS code!!!
Sign up today, risk-free! 💰💰 https://win.example/2 Join now! Double your bitcoin INSTANTLY! 🚀🚀🚀
Click here NOW 👉 https://win.example/1 and message me on Telegram https://t.me/x for your FREE BONUS code!!!
"""
CREATOR = """\
In this episode we build a compiler from scratch and look at how registers are allocated. 🚀
🔔 SUBSCRIBE for a new video each week! 👉 https://example.org/subscribe
📸 Instagram: https://example.org/ig  🐦 Twitter: https://example.org/tw  💬 Discord: https://example.org/discord
🎧 Podcast: https://example.org/pod  👕 Merch: https://example.org/shop
Sign up for the newsletter: https://example.org/news
"""
SPONSORED = (
    CREATOR
    + """\
Thanks to our sponsor! Use PROMO CODE SHELL for 20% off, limited time only: https://example.org/sponsor
💬 Telegram: https://t.me/example
"""
)


def test_speech_is_far_from_every_threshold() -> None:
    for path, text in texts():
        said = tokens(text)
        assert unique_word_share(said) > 0.4, path.name
        assert repetition_share(said) < 0.1, path.name
        assert spam_signs(text).score < 0.3, path.name


def test_a_long_talk_has_as_many_different_words_in_a_stretch_as_its_beginning() -> None:
    talk = max((tokens(" ".join(it.text for it in sentences_of(path))) for path in CHANNEL), key=len)
    assert len(set(talk)) / len(talk) < 0.2  # over the whole talk it would be refused
    assert abs(unique_word_share(talk) - unique_word_share(talk[:1000])) < 0.1


def test_a_broken_record_is_told_from_speech() -> None:
    for loop in ("thank you ", "so we go on with the next one and then ", "ありがとうございました"):
        said = tokens(loop * 100)
        assert repetition_share(said) > 0.9, loop
        assert unique_word_share(said) < 0.2, loop


def test_half_a_talk_of_loops_is_half_repetition() -> None:
    said = tokens(" ".join(it.text for it in sentences_of(CHANNEL[0])))
    assert 0.4 < repetition_share([*said, *(["thanks", "for", "watching"] * (len(said) // 3))]) < 0.6


def test_refrains_and_sounds_are_not_said() -> None:
    assert tokens("[Music] Hello ♫ la la la la la ♫ there.") == ["hello", "there"]
    assert without_sounds("[Music] [Music] Hello  [Applause]") == "Hello"


@given(st.lists(st.sampled_from(["a", "b", "c", "語", "d"]), max_size=400))
def test_shares_are_shares(said: list[str]) -> None:
    assert 0 <= repetition_share(said) <= 1
    assert 0 < unique_word_share(said) <= 1


@given(st.text(max_size=300))
def test_the_score_is_a_score(text: str) -> None:
    assert 0 <= spam_signs(text).score < 1


def test_spam_is_spam_and_a_creators_links_are_none() -> None:
    assert spam_signs(SPAM).score > 0.9
    assert spam_signs(CREATOR).score < 0.85
    assert spam_signs(SPONSORED).score < 0.9
    assert spam_signs("SUBSCRIBE!!! " * 40).score < 0.9  # shouting and calls alone
    assert spam_signs("").score == 0
