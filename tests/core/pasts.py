"""Streams whose live states were recorded as they grew, for the tests of time travel."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from core.budget_messages import BudgetLimits, Release, Reserve, SetLimits, Settle
from core.budgets import KIND as BUDGET
from core.entities import Chance, Decision, EntityKind, Message, State
from core.entity_codec import to_json
from core.errors import BadInput
from core.journal import Entry, Snapshot
from core.spending import Amount, Limit
from core.streams import stream_of
from core.time_travel import Past

START = 1_768_478_400.0  # 2026-01-15T12:00:00Z
NOW = START + 1e9


# ---------------------------------------------------------------- a made-up kind whose decisions are left to chance
class Purse(State, frozen=True):
    coins: int = 0
    won: float = 0.0
    games: tuple[str, ...] = ()


class Bet(Message, frozen=True):
    coins: int
    game: str = "dice"


class Pay(Message, frozen=True):
    coins: int


class Won(Message, frozen=True):
    coins: int
    share: float
    game: str


class Lost(Message, frozen=True):
    coins: int


class Paid(Message, frozen=True):
    coins: int


class TooPoor(Message, frozen=True):
    because: str


def decide(state: Purse, command: Bet | Pay, now: float, chance: Chance) -> Decision[Won | Lost | Paid]:
    """A bet is won or lost by chance and by the second; one that is not covered is refused."""
    if command.coins < 0:
        raise BadInput(f"{command.coins} coins cannot be handed over.", "Hand over 0 or more.")
    if isinstance(command, Pay):
        return Decision(Paid(command.coins), (Paid(command.coins),))
    if command.coins > state.coins:
        return Decision(TooPoor(f"{command.coins} coins are bet and {state.coins} are there."))
    rng = chance.rng()
    if rng.random() + now % 1 < 0.9:
        won = Won(rng.randrange(command.coins + 1), rng.random(), command.game)
        return Decision(won, (won, Won(0, rng.random(), "")))
    return Decision(Lost(command.coins), (Lost(command.coins),))


def evolve(state: Purse, event: Won | Lost | Paid) -> Purse:
    match event:
        case Won():
            return Purse(state.coins + event.coins, state.won + event.share, (*state.games, event.game)[-3:])
        case Lost():
            return Purse(state.coins - event.coins, state.won / 3, state.games)
        case Paid():
            return Purse(state.coins + event.coins, state.won, state.games)


PURSE: EntityKind[Purse, Bet | Pay, Won | Lost | Paid] = EntityKind(
    name="Purse",
    state=Purse,
    commands=Bet | Pay,
    events=Won | Lost | Paid,
    replies=Won | Lost | Paid | TooPoor,
    initial=lambda key: Purse(coins=len(key)),
    decide=decide,
    evolve=evolve,
)


# ---------------------------------------------------------------- recording
@dataclass
class Recorded:
    """What a journal would hold of an entity, and what its state was after each entry, as JSON, at that moment."""

    kind: EntityKind[Any, Any, Any]
    key: str
    snapshots: list[Snapshot] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    live: list[str] = field(default_factory=list)

    def past(self) -> Past[Any, Any, Any]:
        return Past(self.kind, self.key, self.snapshots, self.entries)

    def bare(self) -> "Recorded":
        """The same without snapshots."""
        return replace(self, snapshots=[])

    def compacted(self, before: float, behind: int = 0) -> "Recorded":
        """What is left when only moments from `before` on are to be told, as `Journal.compact` has it.

        It goes by pieces, and may be `behind` by so many entries.
        """
        base = max((kept.seq for kept in self.snapshots if kept.at <= before), default=0)
        return replace(
            self,
            snapshots=[kept for kept in self.snapshots if kept.seq >= base],
            entries=[entry for entry in self.entries if entry.seq > base - behind or entry.at >= before],
        )

    def at(self, moment: float) -> str:
        """The live state at a moment."""
        return self.live[sum(entry.at <= moment for entry in self.entries)]


def record(
    kind: EntityKind[Any, Any, Any], key: str, steps: Sequence[tuple[float, Any]], snapshot_every: int
) -> Recorded:
    """Give an entity commands, each so many seconds after the one before; what changes nothing leaves no entry."""
    state, now, stream = kind.initial(key), START, stream_of(kind.name, key)
    recorded = Recorded(kind, key, live=[to_json(state)])
    for wait_s, command in steps:
        now += wait_s
        seq = len(recorded.entries) + 1
        try:
            decision = kind.decide(state, command, now, Chance(stream, seq))
        except BadInput:
            continue
        if not decision.writes:
            continue
        state = kind.replay(state, decision.events)
        texts = to_json(command), to_json(decision.events), to_json(decision.reply)
        recorded.entries.append(Entry(stream, seq, now, f"c{seq}", kind.version, *texts))
        recorded.live.append(to_json(state))
        if seq % snapshot_every == 0:
            recorded.snapshots.append(Snapshot(stream, seq, now, kind.version, recorded.live[-1]))
    return recorded


# ---------------------------------------------------------------- streams
COINS = st.integers(-1, 50)
PURSE_COMMANDS = st.builds(Bet, COINS, st.sampled_from(["dice", "cards", ""])) | st.builds(Pay, COINS)
# Also no time at all, and the least that a clock can tell.
WAITS = st.sampled_from([0.0, 0.0, 2.4e-7, 1e-6, 0.5, 3_600.0, 86_400.0]) | st.floats(0, 1_000)
PURSES = st.builds(
    record,
    st.just(PURSE),
    st.sampled_from(["a", "somebody/else", "é 𝄞"]),
    st.lists(st.tuples(WAITS, PURSE_COMMANDS), max_size=40),
    st.integers(1, 12),
)
IDS = st.sampled_from(["r1", "r2", "r3", "r4"])
AMOUNTS = st.builds(Amount, st.sampled_from([Decimal(0), Decimal("0.10"), Decimal("2E+1")]), st.integers(0, 900))
LIMITS = st.builds(BudgetLimits, day=st.builds(Limit, st.none() | st.just(Decimal("0.5")), st.just(2_000)))
BUDGET_COMMANDS = (
    st.builds(Reserve, IDS, AMOUNTS, st.sampled_from([0.5, 60.0, 86_400.0]), LIMITS)
    | st.builds(Settle, IDS, AMOUNTS)
    | st.builds(Release, IDS)
    | st.builds(SetLimits, st.none() | LIMITS)
)
BUDGETS = st.builds(
    record,
    st.just(BUDGET),
    st.just("guild"),
    st.lists(st.tuples(WAITS, BUDGET_COMMANDS), max_size=40),
    st.integers(1, 12),
)
STREAMS = PURSES | BUDGETS

# Paid 5, paid 7, paid 9: 1 coin to begin with, a snapshot after the second.
PAID = record(PURSE, "a", [(0.0, Pay(5)), (10.0, Pay(7)), (10.0, Pay(9))], 2)
