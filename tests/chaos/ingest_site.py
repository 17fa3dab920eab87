"""A channel that is hard to read: pages fail at random, its feed asks for consent, uploads come while it is listed."""

import time
from collections import Counter
from collections.abc import Mapping
from random import Random

from tests.fakes.site import Reply
from tests.fakes.tube import CONSENT, Clip, Tube, TubeChannel, clips, player

CHANNEL_ID = "UC" + "s" * 22
URL = f"https://www.youtube.com/channel/{CHANNEL_ID}"
SKIPPED = "rehearsal"
_WORDS = "tide reef kelp star crab gull sand wave moon pool salt foam wind rock shell".split()  # noqa: SIM905


class RudeTube(Tube):
    """A channel of `videos` uploads, a tenth of them shorts; a fifth comes later. `troubles` counts what it did.

    Its shorts are dated like its newest videos, so that the feed reaches back half as far.
    While it is `rude`, requests fail at random; until `consent_until` (monotonic) its feed is a consent page.
    """

    def __init__(self, videos: int, seed: int) -> None:
        super().__init__()
        self._rng = Random(f"site {seed}")
        self.rude = True
        self.consent_until = 0.0
        self.troubles: Counter[str] = Counter()
        made = clips("v", videos - videos // 10)
        made[3] = Clip(made[3].video_id, f"A {SKIPPED}", made[3].ago, made[3].published)
        members = made[5]
        made[5] = Clip(members.video_id, members.title, members.ago, members.published, members_only=True)
        self.later = made[: videos // 5]
        shorts = clips("s", videos // 10)
        self.channel = TubeChannel(
            CHANNEL_ID, "Shore Talks", "@shore", {"videos": made[videos // 5 :], "shorts": shorts}
        )
        self.channels.append(self.channel)
        for clip in (*made, *shorts):
            self.players[clip.video_id] = player(clip.video_id, captions=["en"])
        self.private = made[-1].video_id
        self.players[self.private] = player(self.private, status="LOGIN_REQUIRED", reason="This video is private.")

    def upload(self) -> None:
        """The next upload appears, where there is one left."""
        if self.later:
            self.channel.tabs["videos"].insert(0, self.later.pop())

    def _tube(self, path: str, query: Mapping[str, str], body: bytes) -> Reply:
        if self.rude and (trouble := self._trouble(path)):
            return trouble
        if path == "/youtubei/v1/browse" and self.rude:
            self.upload()  # what comes after it moves on by one
        if path == "/api/timedtext":
            return Reply(captions_of(query["v"]), "text/vtt")
        return super()._tube(path, query, body)

    def _trouble(self, path: str) -> Reply | None:
        if path == "/feeds/videos.xml" and time.monotonic() < self.consent_until:
            return self._counted("consent page", Reply(CONSENT))
        chance = self._rng.random()
        if chance < 0.03:
            return self._counted("error", Reply(b"Sorry.", status=503))
        if chance < 0.04:
            return self._counted("too many requests", Reply(b"Slow.", status=429, headers={"Retry-After": "1"}))
        if chance < 0.05:
            return self._counted("broken off", Reply(b"<html>" + b" " * 5_000, cut_after=900))
        return None

    def _counted(self, name: str, reply: Reply) -> Reply:
        self.troubles[name] += 1
        return reply


def captions_of(video_id: str) -> bytes:
    """What is said in a video: a minute of its own."""
    rng = Random(video_id)
    lines = ["WEBVTT\n"]
    for second in range(0, 50, 5):
        said = " and the ".join(rng.sample(_WORDS, 6))
        lines.append(f"00:00:{second:02}.000 --> 00:00:{second + 5:02}.000\nThe {said} of {video_id}.\n")
    return "\n".join(lines).encode()
