"""Finds personal data with presidio's pattern recognisers, and masks it."""

import asyncio
import importlib
import logging
import threading
from collections.abc import Sequence
from typing import Any

from core.errors import StartupFailed
from core.personal_data import Find, Found, mask

# Presidio gives a telephone number 0.4 and a number without a check digit less, until a word beside it says what it is.
_LEAST_SCORE = 0.4
# Its recognisers know English words for what stands beside a number; the patterns are the same in every language.
_LANGUAGE = "en"


class PersonalDataFilter:
    """Masks e-mail addresses, telephone, card, account and social security numbers, IP addresses and wallets.

    Works in a thread. Presidio is loaded by the first call (some seconds), or by `load`. It reads and
    writes no file but its own and asks no network. Keeps nothing.
    """

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._find: Find | None = None

    async def masked(self, texts: Sequence[str]) -> list[str]:
        """`texts` in their order, with personal data replaced by its kind. Raises StartupFailed without presidio."""
        return await asyncio.to_thread(self._masked, texts)

    def load(self) -> None:
        """Be ready for the first text. Raises StartupFailed where presidio is not there: nothing goes unmasked."""
        with self._loading:
            if self._find is None:
                self._find = _finder()

    def _masked(self, texts: Sequence[str]) -> list[str]:
        return [mask(text, self._found) for text in texts]

    def _found(self, text: str) -> Sequence[Found]:
        if self._find is None:
            self.load()
        assert self._find is not None
        return self._find(text)


def _finder() -> Find:
    try:
        presidio: Any = importlib.import_module("presidio_analyzer")
        recognisers: Any = importlib.import_module("presidio_analyzer.predefined_recognizers")
        engine = presidio.AnalyzerEngine(
            registry=presidio.RecognizerRegistry(_recognisers(recognisers), supported_languages=[_LANGUAGE]),
            nlp_engine=_blank_engine(),
            supported_languages=[_LANGUAGE],
            default_score_threshold=_LEAST_SCORE,
        )
    except ImportError as error:
        advice = "Install presidio-analyzer and spacy, or set ENABLE_PII_FILTER=false."
        raise StartupFailed(f"Personal data cannot be masked: {error}.", advice) from error
    # At "info" it tells of every text that it sees.
    logging.getLogger("presidio-analyzer").setLevel(logging.WARNING)

    def find(text: str) -> Sequence[Found]:
        # Half a character, which spacy does not take, becomes a question mark here: as long, and no part of anything.
        results = engine.analyze(text.encode("utf-8", "replace").decode(), language=_LANGUAGE)
        return [Found(result.start, result.end, result.entity_type) for result in results]

    return find


def _recognisers(presidio: Any) -> list[Any]:
    """Those that find by form alone. Links are none of them: a talk's links are its sources, not somebody's."""

    class Emails(presidio.EmailRecognizer):  # type: ignore[misc]  # a class of a module that is loaded late
        def validate_result(self, pattern_text: str) -> None:  # presidio's interface
            """The form decides: a list of domains, which presidio would fetch, is out of date with the next new one."""

    return [
        Emails(),
        presidio.PhoneRecognizer(),
        presidio.IbanRecognizer(),
        presidio.CreditCardRecognizer(),
        presidio.IpRecognizer(),
        presidio.UsSsnRecognizer(),
        presidio.CryptoRecognizer(),
    ]


def _blank_engine() -> Any:
    """An NLP engine that splits words and knows nothing else: patterns need no model of a language."""
    nlp: Any = importlib.import_module("presidio_analyzer.nlp_engine")
    words: Any = importlib.import_module("spacy").blank(_LANGUAGE)

    class BlankEngine(nlp.NlpEngine):  # type: ignore[misc]  # a class of a module that is loaded late
        def load(self) -> None:
            """Nothing to load."""

        def is_loaded(self) -> bool:
            return True

        def process_text(self, text: str, language: str) -> Any:
            split = words(text)
            lemmas = [token.lower_ for token in split]
            return nlp.NlpArtifacts([], split, [token.idx for token in split], lemmas, self, language)

        def process_batch(self, texts: Any, language: str, **_: Any) -> Any:
            return ((text, self.process_text(text, language)) for text in texts)

        def is_stopword(self, word: str, language: str) -> bool:  # noqa: ARG002  # presidio's interface
            return bool(words.vocab[word].is_stop)

        def is_punct(self, word: str, language: str) -> bool:  # noqa: ARG002  # presidio's interface
            return bool(words.vocab[word].is_punct)

        def get_supported_entities(self) -> list[str]:
            return []

        def get_supported_languages(self) -> list[str]:
            return [_LANGUAGE]

    return BlankEngine()
