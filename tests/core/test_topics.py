import pytest

from core.topics import MAX_TOPICS, topics_of
from tests.core.talks import ALL, CHANNEL, sentences_of

RUSSIAN = "Это одна из причин, почему мы не делаем этого так, потому что данных слишком много и они все разные. "


def of(name: str) -> tuple[str, ...]:
    (path,) = (path for path in CHANNEL if path.stem == name)
    return topics_of([sentence.text for sentence in sentences_of(path)], name.replace("-", " "))


def test_topics_are_the_talks_own_words_and_do_not_repeat_each_other() -> None:
    for path in ALL:
        texts = [sentence.text for sentence in sentences_of(path)]
        said = " ".join(texts)
        topics = topics_of(texts)
        assert len(topics) <= MAX_TOPICS
        assert all(topic in said for topic in topics), path.name
        words = [word for topic in topics for word in topic.lower().split()]
        assert len(set(words)) == len(words), path.name


@pytest.mark.parametrize(
    ("talk", "about"),
    [
        ("what-is-perplexity", "perplexity"),
        ("the-neuroscience-of-emotions", "emotions"),
        ("javascript-the-good-parts", "JavaScript"),
        ("managing-a-repo-on-the-model-hub", "model"),
        ("fine-tuning-with-tensorflow", "loss function"),
    ],
)
def test_a_talk_is_about_what_it_comes_back_to(talk: str, about: str) -> None:
    assert about in of(talk)


def test_a_term_of_several_words_counts_before_its_parts() -> None:
    texts = ["We train a neural network on it, and the neural network is good."] * 4
    assert topics_of(texts)[0] == "neural network"


def test_what_the_title_names_comes_first() -> None:
    texts = ["The tree and the river are what we have, and so is the tree with the river in it."] * 4
    assert [topics_of(texts, title)[0] for title in ("The river", "A tree")] == ["river", "tree"]


def test_where_nothing_comes_back_or_the_language_is_not_known_there_are_none() -> None:
    assert topics_of([]) == ()
    assert topics_of(["We have a cat that is with the dog and was in the house for a day or so, as you know."]) == ()
    assert topics_of([RUSSIAN] * 10) == ()
    assert topics_of(["[Music] (screen whooshing) and that is what we have for you"] * 10) == ()
