import asyncio
import io
import os
from pathlib import Path

from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from bot.lines import CommandCompleter, PromptLines, StreamLines


async def test_a_stream_is_read_line_by_line_to_its_end() -> None:
    lines = StreamLines(io.StringIO("one\r\n\ntwo"))
    assert [await lines.read() for _ in range(4)] == ["one", "", "two", None]


async def test_bytes_that_are_no_text_do_not_end_the_reading() -> None:
    lines = StreamLines(io.TextIOWrapper(io.BytesIO(b"a\xff\xfeb\nnext\n"), encoding="utf-8"))
    assert await lines.read() == "a\ufffd\ufffdb"
    assert await lines.read() == "next"


async def test_waiting_for_a_line_can_be_given_up() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stream, os.fdopen(writing, "w") as typing:
        waiting = asyncio.ensure_future(StreamLines(stream).read())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        typing.write("too late\n")
        typing.flush()
        await asyncio.sleep(0.05)


async def test_the_prompt_reads_keeps_history_and_ends(tmp_path: Path) -> None:
    history = tmp_path / "data" / "console_history"
    with create_pipe_input() as keys:
        lines = PromptLines(history, CommandCompleter(["help"]), keys, DummyOutput())
        keys.send_text("How hot?\r")
        assert await lines.read() == "How hot?"
        keys.send_text("half\x03")
        assert await lines.read() == ""
        keys.send_text("\x04")
        assert await lines.read() is None
    assert "How hot?" in history.read_text()


async def test_a_history_that_cannot_be_written_is_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with create_pipe_input() as keys:
        lines = PromptLines(tmp_path / "file" / "history", CommandCompleter([]), keys, DummyOutput())
        keys.send_text("Still works\r")
        assert await lines.read() == "Still works"
        keys.send_text("\x1b[A\r")
        assert await lines.read() == "Still works", "the up key brings the line back"


async def test_no_history_file_is_fine() -> None:
    with create_pipe_input() as keys:
        lines = PromptLines(None, CommandCompleter([]), keys, DummyOutput())
        keys.send_text("x\r")
        assert await lines.read() == "x"
