"""A made-up kind of entity that does everything a kind may do, for the tests of what runs entities."""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from actors.runtime_entities import EntityActor, query
from core.entities import SELF, Chance, Decision, Effect, EntityKind, Find, Message, Record, State
from core.entity_codec import to_json
from core.errors import BadInput, RateLimited


class Add(Message, frozen=True):
    by: float = 1.0


class Refuse(Message, frozen=True):
    """Is refused, with a reply that tells the state."""


class Reject(Message, frozen=True):
    """Is refused, with an exception that tells the state."""


class Ask(Message, frozen=True):
    """Have something done outside, or by oneself."""

    effect_id: str
    target: str
    body: str
    due_at: float = 0.0


class Cancel(Message, frozen=True):
    effect_id: str


class Note(Message, frozen=True):
    record_id: str
    text: str


class Added(Message, frozen=True):
    by: float
    luck: float


class Asked(Message, frozen=True):
    effect_id: str


class Cancelled(Message, frozen=True):
    effect_id: str


class Noted(Message, frozen=True):
    pass


class Burst(Message, frozen=True):
    """No release can evolve it."""


class Total(Message, frozen=True):
    """What every command is answered with: how much there is, of how many additions."""

    total: float
    adds: int


class Full(Message, frozen=True):
    total: float


Command = Add | Refuse | Reject | Ask | Cancel | Note
Event = Added | Asked | Cancelled | Noted | Burst


class Counts(State, frozen=True):
    total: float = 0.0
    adds: int = 0
    last: float = 0.0
    luck: float = 0.0
    open: tuple[str, ...] = ()


def decide(state: Counts, command: Command, now: float, chance: Chance) -> Decision[Event]:
    reply = Total(state.total, state.adds)
    match command:
        case Add(by):
            return Decision(Total(state.total + by, state.adds + 1), (Added(by, chance.rng().random()),))
        case Refuse():
            return Decision(Full(state.total))
        case Reject():
            raise BadInput(f"There are {state.total:g} already.")
        case Ask(effect_id, target, body, due_at):
            return Decision(reply, (Asked(effect_id),), effects=(Effect(effect_id, target, body, due_at),))
        case Cancel(effect_id):
            return Decision(reply, (Cancelled(effect_id),), settled=(effect_id,))
        case Note(record_id, text):
            return Decision(reply, (Noted(),), records=(Record(record_id, now, "note", to_json(text)),))


def evolve(state: Counts, event: Event) -> Counts:
    match event:
        case Added(by, luck):
            return replace(state, total=state.total + by, adds=state.adds + 1, last=by, luck=luck)
        case Asked(effect_id):
            return replace(state, open=(*state.open, effect_id))
        case Cancelled(effect_id):
            return replace(state, open=tuple(each for each in state.open if each != effect_id))
        case Noted():
            return state
        case Burst():
            raise ArithmeticError("it burst")


KIND: EntityKind[Counts, Command, Event] = EntityKind(
    "Counter", Counts, Command, Event, Total | Full, lambda _: Counts(), decide, evolve
)


class Counter(EntityActor[Counts, Command, Event]):
    """Adds up. The methods at the end have defects."""

    kind = KIND

    async def add(self, key: str, by: float = 1.0) -> Total:
        return self._total(self.decide(key, Add(by)))

    async def total(self, key: str) -> Total:
        state = self.state(key)
        return Total(state.total, state.adds)

    async def refuse(self, key: str) -> Full:
        reply: Full = self.decide(key, Refuse())
        return reply

    async def reject(self, key: str) -> None:
        self.decide(key, Reject())

    async def add_and_reject(self, key: str, by: float = 1.0) -> None:
        """Counts, and tells so by an exception that a caller is meant to see."""
        raise RateLimited(f"There are {self._total(self.decide(key, Add(by))).total:g} now.", 1.0)

    async def ask(self, key: str, effect_id: str, target: str, body: str = "", due_at: float = 0.0) -> Total:
        return self._total(self.decide(key, Ask(effect_id, target, body, due_at)))

    async def remind(self, key: str, effect_id: str, by: float = 1.0, due_at: float = 0.0) -> Total:
        """Have `by` added when it is due."""
        return self._total(self.decide(key, Ask(effect_id, SELF, to_json(Add(by)), due_at)))

    async def cancel(self, key: str, effect_id: str) -> Total:
        return self._total(self.decide(key, Cancel(effect_id)))

    async def note(self, key: str, record_id: str, text: str) -> Total:
        return self._total(self.decide(key, Note(record_id, text)))

    @query
    async def notes(self, key: str) -> Sequence[str]:
        return [record.record_id for record in await self.find(key, Find())]

    @query
    async def add_each_note(self, key: str) -> Total:
        """Adds 1 for each note, one command after the other."""
        reply = Total(0.0, 0)
        for _ in await self.find(key, Find()):
            reply = self._total(await self.submit(key, Add()))
        return reply

    async def add_and_wait(self, key: str) -> Total:
        reply = self._total(self.decide(key, Add()))
        await asyncio.sleep(0)
        return reply

    async def add_twice(self, key: str) -> Total:
        self.decide(key, Add())
        return self._total(self.decide(key, Add()))

    async def add_to(self, key: str, other: str) -> Total:
        assert key != other
        return self._total(self.decide(other, Add()))

    async def add_and_break(self, key: str) -> Total:
        self.decide(key, Add())
        raise ValueError("a defect")

    @staticmethod
    def _total(reply: Total) -> Total:
        return reply
