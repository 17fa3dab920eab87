"""A followed channel in a test's hands."""

from typing import Any

import msgspec

from core.entities import SELF, Chance, Decision, Effect
from core.follow_messages import (
    ChannelInfo,
    Command,
    Event,
    Found,
    FoundUpload,
    Wish,
)
from core.follow_state import Follower, view
from core.follows import KIND, QUEUE
from core.ingest_keys import follower_key
from core.ingest_messages import Add, Enrol, NewJob

NOW = 1_700_000_000.0
DAY = 86_400.0
KEY = follower_key("guild|w", "youtube:UC1")
CHANNEL = ChannelInfo("youtube:UC1", "https://www.youtube.com/channel/UC1", "Ada talks", "youtube.com")
WISH = Wish(("video", "short", "stream"), NOW - 365 * DAY, 200, "42")


class Channel:
    """A follower in the test's hands, and all that it sent to the queue."""

    def __init__(self) -> None:
        self.now = NOW
        self.state: Follower = KIND.initial(KEY)
        self.outbox: dict[str, Effect] = {}
        self.sent: list[NewJob] = []
        self.enrolled: list[Enrol] = []

    def tell(self, command: Command) -> Any:
        decision: Decision[Event] = KIND.decide(self.state, command, self.now, Chance("f", 1))
        self.state = KIND.replay(self.state, decision.events)
        for name in decision.settled:
            self.outbox.pop(name, None)
        for effect in decision.effects:
            self.outbox[effect.effect_id] = effect
            if effect.target == QUEUE:
                tenant, told = msgspec.json.decode(effect.body, type=tuple[str, Add | Enrol])
                assert tenant == "guild|w"
                if isinstance(told, Add):
                    self.sent += told.jobs
                else:
                    self.enrolled.append(told)
        return decision.reply

    @property
    def recordings(self) -> list[NewJob]:
        return [job for job in self.sent if not job.job_id.startswith("list ")]

    @property
    def reminder(self) -> Effect | None:
        effect = self.outbox.get("look")
        return effect if effect is not None and effect.target == SELF else None

    def found(self, *uploads: FoundUpload, full: bool = True, problem: str = "") -> Any:
        return self.tell(Found(uploads, full, 900.0, 86_400.0, problem))

    def counts(self, became: dict[str, str]) -> tuple[int, int, int, dict[str, int]]:
        completeness = view(self.state, became).completeness
        assert completeness.adds_up
        refused = {count.reason: count.uploads for count in completeness.refused}
        return completeness.listed, completeness.ingested, completeness.waiting, refused


def upload(name: str, days_old: float | None = 1.0, **more: Any) -> FoundUpload:
    published_at = 0.0 if days_old is None else NOW - days_old * DAY
    return FoundUpload(name, f"https://x.example/{name}", f"Talk {name}", published_at=published_at, **more)
