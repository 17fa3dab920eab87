"""Discord's documented limits, as checks that give Discord's own error tree (JSON error 50035, "Invalid Form Body").

Sources: discord.com/developers/docs: resources/message ("Create Message", "Embed Limits"), components/reference,
interactions/application-commands ("Application Command Object", "Naming").
"""

import re
from collections.abc import Callable
from typing import Any

Errors = dict[str, Any]

MAX_CONTENT = 2000
MAX_EMBEDS = 10
MAX_EMBED_TOTAL = 6000
MAX_FIELDS = 25
MAX_FILES = 10
MAX_CHOICES = 25
_EMBED_LENGTHS = {"title": 256, "description": 4096}
_FIELD_LENGTHS = {"name": 256, "value": 1024}
_BUTTON = 2
_LINK_STYLE = 5
_COMMAND_NAME = re.compile(r"[-_'\w]{1,32}")


def _error(code: str, message: str) -> Errors:
    return {"_errors": [{"code": code, "message": message}]}


def _length(value: str, low: int, high: int) -> Errors:
    if len(value) > high:
        return _error("BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")
    return _error("BASE_TYPE_MIN_LENGTH", f"Must be {low} or more in length.") if len(value) < low else {}


def _kept(errors: Errors) -> Errors:
    return {key: value for key, value in errors.items() if value}


def _each(items: list[Any], check: Callable[[Any], Errors]) -> Errors:
    return _kept({str(index): check(item) for index, item in enumerate(items)})


def _missing(item: Errors, key: str) -> Errors:
    return {} if item.get(key) else _error("BASE_TYPE_REQUIRED", "This field is required")


# ---------------------------------------------------------------- messages
def message_errors(payload: Errors, files: int = 0) -> Errors:
    """What is wrong with a message, or with what an edit changes in one."""
    embeds = payload.get("embeds") or []
    components = payload.get("components") or []
    errors = {
        "content": _length(payload.get("content") or "", 0, MAX_CONTENT),
        "embeds": _embeds(embeds),
        "components": _rows(components),
        "allowed_mentions": _allowed_mentions(payload.get("allowed_mentions") or {}),
        "nonce": _length(str(payload.get("nonce") or ""), 0, 25),
        "attachments": _error("BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.") if files > MAX_FILES else {},
    }
    return _kept(errors)


def is_empty(payload: Errors, files: int = 0) -> bool:
    """Whether a message has nothing to show (JSON error 50006)."""
    return not (payload.get("content") or payload.get("embeds") or payload.get("components") or files)


def _embeds(embeds: list[Errors]) -> Errors:
    if len(embeds) > MAX_EMBEDS:
        return _error("BASE_TYPE_MAX_LENGTH", f"Must be {MAX_EMBEDS} or fewer in length.")
    if sum(_embed_size(embed) for embed in embeds) > MAX_EMBED_TOTAL:
        return _error("MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_EMBED_TOTAL}")
    return _each(embeds, _embed)


def _embed_size(embed: Errors) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [embed.get("footer", {}).get("text"), embed.get("author", {}).get("name")]
    texts += [part for field in embed.get("fields", []) for part in (field.get("name"), field.get("value"))]
    return sum(len(text or "") for text in texts)


def _embed(embed: Errors) -> Errors:
    fields = embed.get("fields", [])
    errors = {key: _length(embed.get(key) or "", 0, high) for key, high in _EMBED_LENGTHS.items()}
    errors["footer"] = _kept({"text": _length(embed.get("footer", {}).get("text", ""), 0, 2048)})
    errors["author"] = _kept({"name": _length(embed.get("author", {}).get("name", ""), 0, 256)})
    if len(fields) > MAX_FIELDS:
        errors["fields"] = _error("BASE_TYPE_MAX_LENGTH", f"Must be {MAX_FIELDS} or fewer in length.")
    else:
        errors["fields"] = _each(fields, _field)
    return _kept(errors)


def _field(field: Errors) -> Errors:
    return _kept({key: _missing(field, key) or _length(field[key], 1, high) for key, high in _FIELD_LENGTHS.items()})


def _allowed_mentions(allowed: Errors) -> Errors:
    wrong = set(allowed.get("parse") or []) - {"roles", "users", "everyone"}
    return {"parse": _error("BASE_TYPE_CHOICES", "Value must be one of roles, users, everyone.")} if wrong else {}


# ---------------------------------------------------------------- components
def _rows(rows: list[Errors]) -> Errors:
    if len(rows) > 5:
        return _error("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    ids = [child.get("custom_id") for row in rows for child in row.get("components", []) if child.get("custom_id")]
    if len(ids) != len(set(ids)):
        return _error("COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    return _each(rows, _row)


def _row(row: Errors) -> Errors:
    children = row.get("components", [])
    if not 1 <= len(children) <= 5:
        return {"components": _error("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")}
    return _kept({"components": _each(children, _component)})


def _component(component: Errors) -> Errors:
    errors = {"label": _length(component.get("label") or "", 0, 80)}
    if component.get("type") == _BUTTON and component.get("style") == _LINK_STYLE:
        errors["url"] = _missing(component, "url") or _length(component["url"], 1, 512)
    else:
        errors["custom_id"] = _missing(component, "custom_id") or _length(component["custom_id"], 1, 100)
    return _kept(errors)


# ---------------------------------------------------------------- commands and choices
def command_errors(commands: list[Errors]) -> Errors:
    """What is wrong with a list of application commands."""
    names = [(command.get("name"), command.get("type", 1)) for command in commands]
    if len(names) != len(set(names)):
        return _error("APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
    if len(commands) > 100:
        return _error("BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
    return _each(commands, _command)


def _command(command: Errors) -> Errors:
    options = command.get("options", [])
    errors = {"name": _name(command.get("name", "")), "description": _length(command.get("description", ""), 1, 100)}
    required = [bool(option.get("required")) for option in options]
    if len(options) > 25:
        errors["options"] = _error("BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    elif required != sorted(required, reverse=True):
        errors["options"] = _error(
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required"
        )
    else:
        errors["options"] = _each(options, _option)
    return _kept(errors)


def _option(option: Errors) -> Errors:
    choices = option.get("choices") or []
    errors = {"name": _name(option.get("name", "")), "description": _length(option.get("description", ""), 1, 100)}
    errors["choices"] = choices_errors(choices)
    if choices and option.get("autocomplete"):
        errors["autocomplete"] = _error("APPLICATION_COMMAND_INVALID_AUTOCOMPLETE", "Not beside choices")
    if option.get("min_value", 0) > option.get("max_value", 2**53):
        errors["min_value"] = _error("NUMBER_TYPE_MAX", "min_value must be at most max_value.")
    if not 1 <= option.get("max_length", 1) <= 6000:
        errors["max_length"] = _error("NUMBER_TYPE_MAX", "int value should be between 1 and 6000.")
    return _kept(errors)


def choices_errors(choices: list[Errors]) -> Errors:
    """What is wrong with the choices of an option or an autocompletion."""
    if len(choices) > MAX_CHOICES:
        return _error("BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CHOICES} or fewer in length.")
    return _each(choices, _choice)


def _choice(choice: Errors) -> Errors:
    value = choice.get("value", "?")
    long = isinstance(value, str) and not 1 <= len(value) <= 100
    wrong = _error("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.") if long else {}
    return _kept({"name": _length(str(choice.get("name", "")), 1, 100), "value": wrong})


def _name(name: str) -> Errors:
    if _COMMAND_NAME.fullmatch(name) and name == name.lower():
        return {}
    return _error("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
