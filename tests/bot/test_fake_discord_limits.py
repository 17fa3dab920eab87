"""The fake refuses what Discord's documentation says that Discord refuses, and takes what is just within."""

from typing import Any

import pytest

from tests.fakes.discord.limits import choices_errors, command_errors, is_empty, message_errors


def embed(**parts: Any) -> dict[str, Any]:
    return {"embeds": [parts]}


def buttons(*children: dict[str, Any]) -> dict[str, Any]:
    return {"components": [{"type": 1, "components": list(children)}]}


def button(custom_id: str = "a", label: str = "A") -> dict[str, Any]:
    return {"type": 2, "style": 1, "custom_id": custom_id, "label": label}


FIELD = {"name": "n", "value": "v"}
LINK = {"type": 2, "style": 5, "label": "L", "url": "https://x"}

WITHIN = [
    {},
    {"content": "x" * 2000},
    {"embeds": [{}] * 10},
    embed(title="x" * 256),
    embed(description="x" * 4096),
    embed(footer={"text": "x" * 2048}),
    embed(author={"name": "x" * 256}),
    embed(fields=[FIELD] * 25),
    embed(fields=[{"name": "x" * 256, "value": "x" * 1024}]),
    {"embeds": [{"description": "x" * 4096}, {"description": "x" * 1904}]},
    buttons(*(button(str(number)) for number in range(5))),
    buttons(button("x" * 100, "x" * 80)),
    buttons(LINK),
    {"components": [{"type": 1, "components": [button(str(number))]} for number in range(5)]},
    {"allowed_mentions": {"parse": ["users", "roles", "everyone"]}},
    {"nonce": "x" * 25},
]
BEYOND = [
    ({"content": "x" * 2001}, "content"),
    ({"embeds": [{}] * 11}, "embeds"),
    (embed(title="x" * 257), "embeds"),
    (embed(description="x" * 4097), "embeds"),
    (embed(footer={"text": "x" * 2049}), "embeds"),
    (embed(author={"name": "x" * 257}), "embeds"),
    (embed(fields=[FIELD] * 26), "embeds"),
    (embed(fields=[{"name": "x" * 257, "value": "v"}]), "embeds"),
    (embed(fields=[{"name": "n", "value": "x" * 1025}]), "embeds"),
    (embed(fields=[{"name": "", "value": "v"}]), "embeds"),
    ({"embeds": [{"description": "x" * 4096}, {"description": "x" * 1905}]}, "embeds"),
    (buttons(*(button(str(number)) for number in range(6))), "components"),
    (buttons(), "components"),
    (buttons(button("a"), button("a")), "components"),
    (buttons(button("x" * 101)), "components"),
    (buttons(button("")), "components"),
    (buttons(button("a", "x" * 81)), "components"),
    (buttons({**LINK, "url": ""}), "components"),
    ({"components": [{"type": 1, "components": [button(str(number))]} for number in range(6)]}, "components"),
    ({"allowed_mentions": {"parse": ["all"]}}, "allowed_mentions"),
    ({"nonce": "x" * 26}, "nonce"),
]


@pytest.mark.parametrize("payload", WITHIN)
def test_what_is_within_the_limits_is_taken(payload: dict[str, Any]) -> None:
    assert message_errors(payload) == {}


@pytest.mark.parametrize(("payload", "where"), BEYOND)
def test_what_is_beyond_is_refused_at_its_place(payload: dict[str, Any], where: str) -> None:
    assert list(message_errors(payload)) == [where]


def test_the_error_tree_has_discords_form() -> None:
    (error,) = message_errors(embed(title="x" * 257))["embeds"]["0"]["title"]["_errors"]
    assert error == {"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 256 or fewer in length."}


def test_ten_files_and_no_more() -> None:
    assert message_errors({}, 10) == {}
    assert "attachments" in message_errors({}, 11)


def test_a_message_needs_something_to_show() -> None:
    assert is_empty({"content": ""})
    assert not is_empty({"content": ""}, files=1)
    assert not is_empty({"embeds": [{}]})


def command(name: str = "ask", description: str = "d", **parts: Any) -> dict[str, Any]:
    return {"name": name, "description": description, **parts}


def option(name: str = "question", description: str = "d", **parts: Any) -> dict[str, Any]:
    return {"name": name, "description": description, **parts}


@pytest.mark.parametrize(
    "good",
    [
        [command()],
        [command("x" * 32, "x" * 100)],
        [command("größe-1_a'b")],
        [command(options=[option(required=True), option("b")])],
        [command(options=[option(max_length=6000, choices=[{"name": "a", "value": "a"}] * 25)])],
        [command(f"c{number}") for number in range(100)],
    ],
)
def test_good_commands(good: list[dict[str, Any]]) -> None:
    assert command_errors(good) == {}


@pytest.mark.parametrize(
    "bad",
    [
        [command("Ask")],
        [command("x" * 33)],
        [command("two words")],
        [command("")],
        [command(description="")],
        [command(description="x" * 101)],
        [command(), command()],
        [command(options=[option()] * 26)],
        [command(options=[option(), option("b", required=True)])],
        [command(options=[option("Bad Name")])],
        [command(options=[option(description="")])],
        [command(options=[option(max_length=6001)])],
        [command(options=[option(choices=[{"name": "a", "value": "a"}] * 26)])],
        [command(f"c{number}") for number in range(101)],
    ],
)
def test_bad_commands(bad: list[dict[str, Any]]) -> None:
    assert command_errors(bad)


def test_choices_have_names_of_1_to_100() -> None:
    assert choices_errors([{"name": "x" * 100, "value": "x"}]) == {}
    assert list(choices_errors([{"name": "a"}, {"name": ""}, {"name": "x" * 101}])) == ["1", "2"]
