"""What the tests of the answer cache share: recordings, passages, answers that quote them, and vectors."""

import numpy as np
from numpy.typing import NDArray

from core.links import link_at
from core.messages import Claim, Passage, Quote, Recording, Sentence

DIMENSIONS = 384
TOPICS = "budgets", "testing", "rollouts", "hiring", "gardens", "rivers", "engines", "painting", "bread", "sailing"


def recording(name: str = "talk-1") -> Recording:
    return Recording(name, f"https://talks.example/{name}", f"About {name}")


def passage(name: str = "talk-1", start_s: float = 10.0, text: str = "") -> Passage:
    said = text or f"We learned that {TOPICS[int(start_s) % len(TOPICS)]} take longer than anybody would expect."
    return Passage(f"{name}@{start_s:g}", recording(name), int(start_s), (Sentence(start_s, start_s + 5.0, said),))


def claim(source: Passage) -> Claim:
    """A claim that the passage carries, with all its words as the quote."""
    quote = Quote(source.text, source.start_s, link_at(source.recording.url, source.start_s), source.recording)
    return Claim(source.text.removeprefix("We learned that "), (quote,))


def unit(seed: int) -> NDArray[np.float32]:
    """A direction; of two seeds the two are nearly at right angles."""
    vector = np.random.default_rng(seed).normal(size=DIMENSIONS)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def near(vector: NDArray[np.float32], seed: int, cosine: float = 0.97) -> NDArray[np.float32]:
    """A direction whose cosine with `vector` is `cosine`."""
    aside = unit(seed) - (unit(seed) @ vector) * vector
    aside /= np.linalg.norm(aside)
    beside: NDArray[np.float32] = (cosine * vector + np.sqrt(1.0 - cosine**2) * aside).astype(np.float32)
    return beside
