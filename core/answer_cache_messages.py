"""What the answer cache is told (commands), what happened (events), and what callers get (replies).

None of these holds what anybody asked or was told: that stands in records alone, which can be deleted. Times are unix
seconds. A `score` is the verifier's logit of P(right).
"""

from typing import Literal, TypeAlias

from core.entities import Message, State
from core.errors import BadInput

Reason: TypeAlias = Literal["age", "size", "source", "library", "replaced", "forgotten"]


class CacheRules(State, frozen=True):
    """How a tenant's cache works.

    At most the share `delta` of the served answers is wrong, by a reading of the model that is `caution` standard
    errors below its best guess; of what could be served at least `audit_share` is asked anyway. An entry lives
    `max_age_s` seconds, and a tenant has at most `max_entries`: of more, the least recently used go. `max_bytes` bounds
    one entry.
    """

    delta: float = 0.02
    caution: float = 0.5
    audit_share: float = 0.02
    max_age_s: float = 14 * 86_400.0
    max_entries: int = 5_000
    max_bytes: int = 16_384

    def check(self) -> "CacheRules":
        """These rules. Raises BadInput, naming the field, where one is out of its range."""
        ranges = {
            "delta": (0.0, 0.5),
            "caution": (0.0, 10.0),
            "audit_share": (0.0, 1.0),
            "max_age_s": (1.0, 3_650 * 86_400.0),
            "max_entries": (1, 100_000),
            "max_bytes": (256, 60_000),
        }
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            # Not the other way round: NaN is neither above nor below anything.
            if not least <= value <= most:
                raise BadInput(
                    f"The answer cache's {name} is {value:g}; it may be {least:g} to {most:g}.", "Correct it."
                )
        return self


class Judged(State, frozen=True, gc=False):
    """An entry that might answer a question, and the score of its answer; `forbidden` where the two conflict."""

    entry_id: str
    answer_id: str
    score: float
    forbidden: bool = False


class Entry(State, frozen=True):
    """An entry without its words. `answer_id` is shared by entries whose answers were found equal.

    `recordings` are those that its answer quotes, `cost_usd` what the answer cost when the model was asked.
    """

    scope: str
    answer_id: str
    stored_at: float
    used_at: float
    recordings: tuple[str, ...]
    cost_usd: float = 0.0


# ---------------------------------------------------------------- commands
class Judge(Message, frozen=True):
    """May one of `found` be served? `exact` names the entry of the same words ("" for none).

    With `shadow` nothing is served. `prior_scores` are the verifier's (`core.hit_bounds.threshold`).
    """

    rules: CacheRules
    scope: str
    library: str
    found: tuple[Judged, ...]
    prior_scores: tuple[float, ...]
    exact: str = ""
    shadow: bool = False


class Keep(Message, frozen=True):
    """The model was asked. `entry` is what to keep of its answer, None where it is not kept; `body` are its words.

    An `answer_id` of "" is a new one. `replaces` names the entry of the same words. `score` is that of the candidate
    that was compared, `right` whether the two answers are equal; None where nothing was compared. `audited`: it would
    have been served.
    """

    rules: CacheRules
    library: str
    entry: Entry | None = None
    body: str = ""
    user: str = ""
    replaces: str = ""
    score: float | None = None
    right: bool | None = None
    audited: bool = False
    cost_usd: float = 0.0


class Drop(Message, frozen=True):
    """Delete entries: those named, those that quote one of the recordings, those of the scopes, or all."""

    reason: Reason
    entry_ids: tuple[str, ...] = ()
    recordings: tuple[str, ...] = ()
    workspace: str = ""
    everything: bool = False


class Prune(Message, frozen=True):
    """Delete what is too old; the cache reminds itself while it holds anything."""

    max_age_s: float


class Synchronise(Message, frozen=True):
    """Tell which entries there are."""


# ---------------------------------------------------------------- events
class Served(Message, frozen=True, gc=False):
    """An entry was served. `score` is None where the words were the same."""

    entry_id: str
    at: float
    score: float | None = None


class WouldServe(Message, frozen=True, gc=False):
    """An entry could have been served, and the model is asked all the same: an audit, or in shadow."""

    at: float
    exact: bool = False


class Asked(Message, frozen=True, gc=False):
    """The model was asked; fields as those of `Keep`."""

    cost_usd: float
    score: float | None = None
    right: bool | None = None
    audited: bool = False


class Stored(Message, frozen=True):
    entry_id: str
    entry: Entry
    prune_at: float


class Dropped(Message, frozen=True):
    entry_ids: tuple[str, ...]
    reason: Reason


class LibraryChanged(Message, frozen=True, gc=False):
    """What a scope's answers were made from is another now."""

    scope: str
    library: str


class PruneSet(Message, frozen=True, gc=False):
    """When the next reminder is due; 0 where nothing is left."""

    prune_at: float


# ---------------------------------------------------------------- replies
class Serve(Message, frozen=True):
    """Serve this entry; `probability` is the lower bound of its being right, 1 where the words are the same.

    `changes` is the number of the last change of the entries, `cost_usd` what is saved.
    """

    entry_id: str
    probability: float
    changes: int
    exact: bool = False
    cost_usd: float = 0.0


class Ask(Message, frozen=True):
    """Ask the model. `compared` is the candidate whose answer is then compared with the model's, None for none.

    `audited`: it could have been served. `changes` is the number of the last change of the entries.
    """

    changes: int
    compared: Judged | None = None
    audited: bool = False
    probability: float = 0.0


class Changed(Message, frozen=True):
    """The entries before and after, by the number of the last change; what came and what went."""

    before: int
    changes: int
    entry_id: str = ""
    answer_id: str = ""
    dropped: tuple[str, ...] = ()


class Entries(Message, frozen=True):
    """Every entry's answer, by the entry's id."""

    changes: int
    answers: dict[str, str]


class CacheReport(Message, frozen=True):
    """A tenant's cache in numbers.

    `look_ups` ended in `hits` (of them `exact_hits`) or in asking the model. `would_hits` were asked though they could
    have been served: audits, and all in shadow. `audits` of them were compared, `audits_wrong` had another answer;
    `wrong_low` to `wrong_high` is the 95 % interval of that share. Money is US dollars: what hits saved, what audits
    cost.
    `threshold` is the least score that is served, None while nothing is.
    """

    entries: int = 0
    look_ups: int = 0
    hits: int = 0
    exact_hits: int = 0
    would_hits: int = 0
    audits: int = 0
    audits_wrong: int = 0
    wrong_low: float = 0.0
    wrong_high: float = 1.0
    saved_usd: float = 0.0
    audit_cost_usd: float = 0.0
    dropped: int = 0
    threshold: float | None = None


Command: TypeAlias = Judge | Keep | Drop | Prune | Synchronise
Event: TypeAlias = Served | WouldServe | Asked | Stored | Dropped | LibraryChanged | PruneSet
Reply: TypeAlias = Serve | Ask | Changed | Entries
