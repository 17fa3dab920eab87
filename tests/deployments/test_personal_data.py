"""The real presidio, which asks no network and writes nowhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import StartupFailed
from core.personal_data import mask
from deployments.personal_data import PersonalDataFilter
from tests.core.talks import ALL, sentences_of

FILTER = PersonalDataFilter()

PERSONAL = {
    "Write to john.doe@example.com or jane@mail.co.uk.": "Write to <EMAIL_ADDRESS> or <EMAIL_ADDRESS>.",
    "Or to ada@shore.newdomain.": "Or to <EMAIL_ADDRESS>.",
    "Call 212-555-0123 now.": "Call <PHONE_NUMBER> now.",
    "It is +44 20 7946 0958 or 06 12 34 56 78.": "It is <PHONE_NUMBER> or <PHONE_NUMBER>.",
    "My card is 4111 1111 1111 1111.": "My card is <CREDIT_CARD>.",
    "Send it to DE89 3704 0044 0532 0130 00 please.": "Send it to <IBAN_CODE> please.",
    "My social security number is 219-09-9999.": "My social security number is <US_SSN>.",
    "The server is 8.8.4.4 today.": "The server is <IP_ADDRESS> today.",
    "Or 2001:4860:4860::8888 then.": "Or <IP_ADDRESS> then.",
    "Pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa.": "Pay <CRYPTO>.",
}
NOT_PERSONAL = (
    "",
    "We met at 10:30 in 2019 and paid $5,000 for 1,000,000 rows.",
    "See https://example.org/watch?v=abc&t=90 at 1:02:03.",
    "std::add and a::b are C++, user@localhost is nobody, @ada is a handle.",
    "Open 127.0.0.1:8000 or 192.168.0.1.",
    "Count: 1 2 3 4 5 6 7 8 9 10. Pi is 3.14159265358. In 1680 x@y.",
    "The first ISBN was 978-3-16-148410-0.",
)
SNOOP = """\
import asyncio, socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("asked the network")
socket.socket.connect = socket.getaddrinfo = refuse
from deployments.personal_data import PersonalDataFilter
assert "presidio_analyzer" not in sys.modules, "loaded too early"
print(asyncio.run(PersonalDataFilter().masked(["Write to ada@example.co.uk."]))[0])
"""


@pytest.mark.parametrize("text", PERSONAL)
async def test_what_is_personal_by_its_form_is_masked(text: str) -> None:
    assert await FILTER.masked([text, text]) == [PERSONAL[text]] * 2


async def test_what_is_not_personal_is_unchanged() -> None:
    assert await FILTER.masked(NOT_PERSONAL) == list(NOT_PERSONAL)


async def test_half_a_character_stands_in_no_ones_way() -> None:
    assert await FILTER.masked(["\ud83d Call 212-555-0123 \udc00"]) == ["\ud83d Call <PHONE_NUMBER> \udc00"]


async def test_without_presidio_nothing_passes_unmasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(StartupFailed, match="cannot be masked"):
        PersonalDataFilter().load()
    with pytest.raises(StartupFailed, match="ENABLE_PII_FILTER"):
        await PersonalDataFilter().masked(["Write to ada@example.org."])


async def test_no_word_of_the_real_talks_is_taken_away() -> None:
    said = [sentence.text for path in ALL for sentence in sentences_of(path)]
    assert await FILTER.masked(said) == said


pieces = st.sampled_from([*PERSONAL, *NOT_PERSONAL, "212", " 555 ", "0123", "-", "@", ".com", "::", "4111", "x"])


@settings(max_examples=50)
@given(st.lists(pieces, max_size=8))
def test_masking_twice_changes_nothing(parts: list[str]) -> None:
    FILTER.load()
    once = mask("".join(parts), FILTER._found)
    assert mask(once, FILTER._found) == once


def test_it_loads_late_asks_no_network_and_writes_nothing_at_home(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", SNOOP],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "Write to <EMAIL_ADDRESS>.", done.stderr
    assert list(tmp_path.rglob("*.json")) == []
    assert not (tmp_path / "cache" / "python-tldextract").exists()
