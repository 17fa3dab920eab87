"""What exists on the fake Discord: one application, its guilds, channels and users, and the messages in them."""

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

APPLICATION_ID = 700_000_000_000_000_001
GUILD_ID = 700_000_000_000_000_100
CHANNEL_ID = 700_000_000_000_000_101
DM_CHANNEL_ID = 700_000_000_000_000_200
MEMBER_ID = 700_000_000_000_000_300
TIMESTAMP = "2026-01-01T00:00:00.000000+00:00"
ALL_PERMISSIONS = 2_147_483_647
ADMINISTRATOR, MANAGE_GUILD = 1 << 3, 1 << 5
EPHEMERAL = 1 << 6
LOADING = 1 << 7

_ids = itertools.count(800_000_000_000_000_001)


def new_id() -> int:
    return next(_ids)


def user(user_id: int, name: str, *, bot: bool = False) -> Json:
    base = {"id": str(user_id), "username": name, "discriminator": "0", "global_name": name, "avatar": None}
    return {**base, "bot": bot, "flags": 0, "public_flags": 0}


BOT_USER = user(APPLICATION_ID, "bot", bot=True)


def application() -> Json:
    return {
        "id": str(APPLICATION_ID),
        "name": "bot",
        "icon": None,
        "description": "",
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": 0,
        "owner": user(1, "owner"),
    }


def channel(channel_id: int, name: str, position: int = 0) -> Json:
    base = {"id": str(channel_id), "type": 0, "name": name, "position": position, "permission_overwrites": []}
    return {**base, "nsfw": False, "parent_id": None, "topic": None, "rate_limit_per_user": 0, "last_message_id": None}


def thread(thread_id: int, parent_id: int, *, archived: bool = False, locked: bool = False) -> Json:
    """A public thread. An archived one is in no GUILD_CREATE."""
    state = {"archived": archived, "locked": locked, "auto_archive_duration": 1440, "archive_timestamp": TIMESTAMP}
    base = {"id": str(thread_id), "type": 11, "name": "a thread", "parent_id": str(parent_id), "owner_id": "1"}
    return {**base, "thread_metadata": state, "message_count": 0, "member_count": 1, "rate_limit_per_user": 0}


def dm_channel() -> Json:
    return {"id": str(DM_CHANNEL_ID), "type": 1, "recipients": [user(MEMBER_ID, "member")], "last_message_id": None}


def member(user_id: int = MEMBER_ID, permissions: int = ALL_PERMISSIONS) -> Json:
    base: Json = {"user": user(user_id, "member"), "nick": None, "avatar": None, "roles": [], "joined_at": TIMESTAMP}
    return {**base, "deaf": False, "mute": False, "flags": 0, "permissions": str(permissions)}


def guild(guild_id: int, channels: list[Json]) -> Json:
    # Not administrator: what a channel denies holds.
    permissions = str(ALL_PERMISSIONS & ~ADMINISTRATOR)
    everyone = {"id": str(guild_id), "name": "@everyone", "permissions": permissions, "position": 0, "color": 0}
    everyone |= {"hoist": False, "managed": False, "mentionable": False, "flags": 0}
    bot = {**member(APPLICATION_ID), "user": BOT_USER}
    # Archived threads are not told of; whoever knows one asks for it.
    active = [one for one in channels if "thread_metadata" in one and not one["thread_metadata"]["archived"]]
    channels = [one for one in channels if "thread_metadata" not in one]
    return {
        "id": str(guild_id),
        "name": f"guild {guild_id}",
        "icon": None,
        "splash": None,
        "owner_id": "1",
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "roles": [everyone],
        "emojis": [],
        "features": [],
        "stickers": [],
        "system_channel_flags": 0,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
        "member_count": 2,
        "members": [bot],
        "channels": channels,
        "threads": active,
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "joined_at": TIMESTAMP,
        "guild_scheduled_events": [],
        "large": False,
        "unavailable": False,
    }


@dataclass
class Message:
    """A message as it stands now; `history` has each content it had, `edits` counts the edits.

    `files` are by name, `alt` is what stands for each that is a picture.
    """

    message_id: int
    channel_id: int
    author: Json
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    flags: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    alt: dict[str, str] = field(default_factory=dict)
    allowed_mentions: Json | None = None
    history: list[str] = field(default_factory=list)
    edits: int = 0
    deleted: bool = False

    def write(self, payload: Json, files: dict[str, bytes]) -> None:
        """Take over what the payload holds; what it leaves out stays."""
        self.content = (payload["content"] or "") if "content" in payload else self.content
        self.embeds = (payload["embeds"] or []) if "embeds" in payload else self.embeds
        self.components = (payload["components"] or []) if "components" in payload else self.components
        self.allowed_mentions = payload.get("allowed_mentions", self.allowed_mentions)
        self.files |= files
        self.alt |= {one["filename"]: one.get("description") or "" for one in payload.get("attachments") or []}
        self.history.append(self.content)

    @property
    def thinking(self) -> bool:
        return bool(self.flags & LOADING)

    @property
    def text(self) -> str:
        """All that a reader sees: content, then each embed's title, description, fields and footer."""
        parts = [self.content]
        for embed in self.embeds:
            parts += [embed.get("title") or "", embed.get("description") or ""]
            parts += [f"{part['name']}\n{part['value']}" for part in embed.get("fields", [])]
            parts.append(embed.get("footer", {}).get("text", ""))
        return "\n".join(part for part in parts if part)

    @property
    def pings(self) -> tuple[str, ...]:
        """Whom it would notify: mentions in the content (embeds never ping) that `allowed_mentions` lets through."""
        kinds = {
            "everyone": re.findall(r"@everyone|@here", self.content),
            "users": re.findall(r"<@!?\d+>", self.content),
            "roles": re.findall(r"<@&\d+>", self.content),
        }
        allowed = ["everyone", "users", "roles"] if self.allowed_mentions is None else self.allowed_mentions["parse"]
        return tuple(mention for kind in allowed for mention in kinds[kind])

    def json(self) -> Json:
        return {
            "id": str(self.message_id),
            "channel_id": str(self.channel_id),
            "author": self.author,
            "type": 0,
            "content": self.content,
            "embeds": self.embeds,
            "components": self.components,
            "flags": self.flags,
            "timestamp": TIMESTAMP,
            "edited_timestamp": TIMESTAMP if self.edits else None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "pinned": False,
            "attachments": [
                {"id": str(index), "filename": name, "size": len(data), "url": f"https://cdn/{name}", "proxy_url": ""}
                for index, (name, data) in enumerate(self.files.items())
            ],
        }
