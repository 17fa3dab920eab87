"""Interactions: what a person does, and Discord's rules on how a bot may answer it.

Acknowledge within 3 s, once; after that the token lives 15 minutes (discord.com/developers/docs/interactions/
receiving-and-responding).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.discord import answers
from tests.fakes.discord.limits import choices_errors
from tests.fakes.discord.world import APPLICATION_ID, BOT_USER, EPHEMERAL, LOADING, Json, Message, new_id

ACKNOWLEDGE_WITHIN_S = 3.0
TOKEN_LIVES_S = 900.0

PING, COMMAND, COMPONENT, AUTOCOMPLETE = 1, 2, 3, 4
MESSAGE, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
_ALLOWED = {
    COMMAND: {MESSAGE, DEFER, MODAL},
    COMPONENT: {MESSAGE, DEFER, DEFER_UPDATE, UPDATE, MODAL},
    AUTOCOMPLETE: {CHOICES},
}


@dataclass
class Interaction:
    """One interaction, and all that the bot answered to it."""

    interaction_id: int
    token: str
    kind: int
    channel_id: int
    created_s: float
    answered_with: int | None = None
    acknowledged_after_s: float | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    choices: list[Json] = field(default_factory=list)
    modal: Json | None = None

    @property
    def messages(self) -> list[Message]:
        """The reply and its follow-ups, in order."""
        return [*([self.original] if self.original else []), *self.followups]

    @property
    def done(self) -> bool:
        """Whether a reply stands there that is more than "thinking", and shows an embed."""
        return self.original is not None and not self.original.thinking and bool(self.original.embeds)


class Interactions:
    """Every interaction by token. `clock` is in seconds, so that a test can let 15 minutes pass."""

    def __init__(self, clock: Callable[[], float], keep: Callable[[Message], None]) -> None:
        self._clock = clock
        self._keep = keep
        self._by_token: dict[str, Interaction] = {}

    def all(self) -> list[Interaction]:
        return list(self._by_token.values())

    def open(self, kind: int, channel_id: int, original: Message | None = None) -> Interaction:
        """A new interaction; a component's original is the message that it stands in."""
        number = new_id()
        made = Interaction(number, f"token-{number}", kind, channel_id, self._clock(), original=original)
        self._by_token[made.token] = made
        return made

    def acknowledge(self, interaction_id: str, token: str, body: Json, files: dict[str, bytes]) -> Interaction:
        """POST …/callback. Raises answers.Refusal as Discord would answer."""
        found = self._by_token.get(token)
        if found is None or str(found.interaction_id) != interaction_id:
            raise answers.unknown_interaction()
        if found.answered_with is not None:
            raise answers.already_acknowledged()
        waited = self._clock() - found.created_s
        if waited > ACKNOWLEDGE_WITHIN_S:
            raise answers.unknown_interaction()
        kind = body.get("type")
        if kind not in _ALLOWED[found.kind]:
            choices = {"_errors": [{"code": "BASE_TYPE_CHOICES", "message": "Value must be an allowed type."}]}
            raise answers.invalid_form({"type": choices})
        self._apply(found, kind, body.get("data") or {}, files)
        found.answered_with, found.acknowledged_after_s = kind, waited
        return found

    def _apply(self, found: Interaction, kind: int, data: Json, files: dict[str, bytes]) -> None:
        if kind in (MESSAGE, DEFER):
            message = self._message(found, data)
            if kind == MESSAGE:
                message.write(data, files)
            else:
                message.flags |= LOADING
            # A component's own message stays; the answer to it is the new original.
            found.original = message
        elif kind == UPDATE and found.original is not None:
            found.original.write(data, files)
            found.original.edits += 1
        elif kind == CHOICES:
            errors = choices_errors(data.get("choices", []))
            if errors:
                raise answers.invalid_form({"data": {"choices": errors}})
            found.choices = data["choices"]
        elif kind == MODAL:
            found.modal = data

    def _message(self, found: Interaction, data: Json) -> Message:
        message = Message(new_id(), found.channel_id, BOT_USER, flags=int(data.get("flags") or 0) & EPHEMERAL)
        self._keep(message)
        return message

    def webhook(self, application_id: str, token: str) -> Interaction:
        """The interaction that a webhook call belongs to. Raises answers.Refusal where there is none, or no more."""
        found = self._by_token.get(token)
        if found is None or application_id != str(APPLICATION_ID) or found.answered_with is None:
            raise answers.unknown_webhook()
        if self._clock() - found.created_s > TOKEN_LIVES_S:
            raise answers.token_over()
        return found

    def follow_up(self, found: Interaction, payload: Json, files: dict[str, bytes]) -> Message:
        """POST to the webhook. The first one after a DEFER takes the place of "thinking"."""
        if found.original is not None and found.original.thinking:
            return self.edit(found.original, payload, files)
        message = self._message(found, payload)
        message.write(payload, files)
        found.followups.append(message)
        return message

    def message(self, found: Interaction, message_id: str) -> Message:
        """A message of the interaction by id or "@original". Raises answers.Refusal where there is none."""
        if message_id == "@original":
            candidates = [found.original] if found.original else []
        else:
            candidates = [message for message in found.messages if str(message.message_id) == message_id]
        if not candidates or candidates[0].deleted:
            raise answers.unknown_message()
        return candidates[0]

    @staticmethod
    def edit(message: Message, payload: Json, files: dict[str, bytes]) -> Message:
        message.write(payload, files)
        message.flags &= ~LOADING
        message.edits += 1
        return message


def callback_result(found: Interaction) -> Any:
    """The body that `?with_response=1` asks for."""
    body: Json = {"id": str(found.interaction_id), "type": found.kind}
    resource: Json = {"type": found.answered_with}
    if found.original is not None:
        body["response_message_id"] = str(found.original.message_id)
        body["response_message_loading"] = found.original.thinking
        body["response_message_ephemeral"] = bool(found.original.flags & EPHEMERAL)
        if found.answered_with in (MESSAGE, UPDATE):
            resource["message"] = found.original.json()
    return {"interaction": body, "resource": resource}
