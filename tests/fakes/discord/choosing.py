"""The options of a slash command, as far as Discord's own client lets a person choose and type them."""

from collections.abc import Mapping

from tests.fakes.discord.world import MEMBER_ID, Json, member, user

STRING, INTEGER, USER, CHANNEL, ATTACHMENT = 3, 4, 6, 7, 11


FILE_ID = 777


def command_data(command: Json, options: Mapping[str, str | int], guilds: Mapping[int, list[Json]]) -> Json:
    """An interaction's data. Raises ValueError for what Discord's client would not send."""
    name = command["name"]
    known = {option["name"]: option for option in command.get("options", [])}
    missing = [key for key, option in known.items() if option.get("required") and key not in options]
    if missing or set(options) - set(known):
        raise ValueError(f"/{name} takes {sorted(known)}; missing {missing}, given {sorted(options)}.")
    resolved: Json = {"channels": {}, "users": {}, "members": {}, "attachments": {}}
    for key, value in options.items():
        _check(f"{key} of /{name}", known[key], value)
        _resolve(resolved, known[key], value, guilds)
    given = [
        {"name": key, "type": kind, "value": str(FILE_ID) if kind == ATTACHMENT else value}
        for key, value in options.items()
        for kind in (known[key]["type"],)
    ]
    return {"id": command["id"], "name": name, "type": 1, "options": given, "resolved": resolved}


def _check(where: str, option: Json, value: str | int) -> None:
    kind = option["type"]
    if isinstance(value, int) != (kind == INTEGER):
        raise ValueError(f"Discord takes no {type(value).__name__} as {where}.")
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise ValueError(f"Discord offers {choices} as {where}, not {value!r}.")
    if isinstance(value, int):
        if not option.get("min_value", value) <= value <= option.get("max_value", value):
            raise ValueError(f"Discord lets nobody send {value} as {where}.")
    elif kind == STRING and not option.get("min_length", 0) <= len(value) <= option.get("max_length", 6000):
        raise ValueError(f"Discord lets nobody send {len(value)} characters as {where}.")


def _resolve(resolved: Json, option: Json, value: str | int, guilds: Mapping[int, list[Json]]) -> None:
    """Discord sends what an id stands for along with it."""
    kind = option["type"]
    if kind == CHANNEL:
        rooms = [one for channels in guilds.values() for one in channels if one["id"] == value]
        found = [one for one in rooms if one["type"] in option.get("channel_types", [one["type"]])]
        if not found:
            raise ValueError(f"Discord offers no channel {value}.")
        resolved["channels"][value] = {**found[0], "permissions": "2147483647"}
    elif kind == ATTACHMENT:
        name = str(value).rpartition("/")[2].partition("?")[0]
        file = {"id": str(FILE_ID), "filename": name, "size": 1_000, "url": value, "proxy_url": value}
        resolved["attachments"][str(FILE_ID)] = file
    elif kind == USER:
        number = int(value)
        resolved["users"][value] = user(number, "member" if number == MEMBER_ID else f"user {number}")
        resolved["members"][value] = {key: part for key, part in member(number).items() if key != "user"}
