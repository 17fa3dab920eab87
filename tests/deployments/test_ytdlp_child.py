"""yt-dlp's process from inside, in a thread: the test plays its parent."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from core.errors import BadInput
from deployments.ytdlp_calls import YtDlpOptions
from deployments.ytdlp_child import Channel, refusal, serve
from deployments.ytdlp_wire import (
    FOR_PARENT,
    PREFIX_BYTES,
    Call,
    Done,
    Found,
    Open,
    Opened,
    Piece,
    Read,
    ToChild,
    ToParent,
    error_of,
    failure_of,
    framed,
    length_of,
    unpacked,
)
from tests.fakes.site import page

URL = "https://shore.example/talk"
PARAMS = YtDlpOptions().params(5.0)


class Parent:
    """Plays the parent of a process that is a thread here."""

    def __init__(self, memory_bytes: float = 1e18) -> None:
        ours, theirs = socket.socketpair()
        self.calls: list[Call] = []
        self.ended: list[object] = []
        self.connection = ours

        def run() -> None:
            with theirs:
                try:
                    serve(Channel(theirs), self.calls.append, memory_bytes)
                except BaseException as error:  # noqa: BLE001 - it is looked at
                    self.ended.append(error)

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def says(self, message: ToChild) -> None:
        self.connection.sendall(framed(message))

    def hears(self) -> ToParent:
        return FOR_PARENT.decode(self._exactly(length_of(self._exactly(PREFIX_BYTES))))

    def _exactly(self, size: int) -> bytes:
        return self.connection.recv(size, socket.MSG_WAITALL)

    def goes(self) -> object:
        """Leave; gives how the process took it."""
        self.connection.close()
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.ended[0]


@pytest.fixture
def parent() -> Iterator[Parent]:
    playing = Parent()
    yield playing
    playing.goes()


# ---------------------------------------------------------------- the process
def test_a_call_asks_for_its_pages_and_tells_what_it_found(parent: Parent) -> None:
    parent.says(Call("extract", URL, 5.0, PARAMS))
    wanted = parent.hears()
    assert isinstance(wanted, Open)
    assert (wanted.url, wanted.method, wanted.body) == (URL, "GET", None)
    parent.says(Opened(7, URL, 200, [("Content-Type", "text/html")]))
    body = page("Tides", "<video src='/a.mp4'></video>")
    pieces = [body[:9], body[9:]]
    while isinstance(found := parent.hears(), Read):
        assert found.number == 7
        parent.says(Piece(pieces.pop(0) if pieces else b""))
    assert isinstance(found, Found)
    assert unpacked(found.info)["title"].startswith("Tides")
    done = parent.hears()
    assert isinstance(done, Done)
    assert (done.head, done.error, done.worn) == (body, None, False)


@pytest.mark.parametrize("kind", ["extract", "list"])
def test_what_the_parent_refuses_is_the_error_of_the_call(parent: Parent, kind: str) -> None:
    parent.says(Call(kind, URL, 5.0, PARAMS, 3))
    assert isinstance(parent.hears(), Open)
    parent.says(failure_of(BadInput("Not that.", "This.")))
    done = parent.hears()
    assert isinstance(done, Done)
    assert done.error is not None
    assert str(error_of(done.error)) == "Not that. This."


def test_questions_without_pages_are_answered(parent: Parent) -> None:
    for kind, url, text in (
        ("knows_site", "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "yes"),
        ("knows_site", URL, ""),
        ("youtube_id", "https://yewtu.be/watch?v=dQw4w9WgXcQ", "dQw4w9WgXcQ"),
    ):
        parent.says(Call(kind, url, 5.0))
        assert parent.hears() == Done(text=text)
    assert [call.kind for call in parent.calls] == ["knows_site", "knows_site", "youtube_id"]


def test_a_defect_is_told_and_the_next_call_is_answered(parent: Parent) -> None:
    parent.says(Call("nonsense", URL, 5.0))
    done = parent.hears()
    assert isinstance(done, Done)
    assert "no such call: nonsense" in done.defect
    parent.says(Call("knows_site", URL, 5.0))
    assert parent.hears() == Done()


def test_one_that_has_taken_much_says_that_it_is_worn() -> None:
    playing = Parent(memory_bytes=1.0)
    playing.says(Call("knows_site", URL, 5.0))
    assert playing.hears() == Done(worn=True)
    playing.goes()


@pytest.mark.parametrize("in_a_call", [False, True])
def test_it_ends_when_its_parent_has_gone(in_a_call: bool) -> None:
    playing = Parent()
    if in_a_call:
        playing.says(Call("extract", URL, 5.0, PARAMS))
        assert isinstance(playing.hears(), Open)
    assert isinstance(playing.goes(), SystemExit)


def test_it_ends_when_its_parent_talks_nonsense() -> None:
    for answer in (Piece(b"x"), Opened(1, URL, 200, [])):
        playing = Parent()
        playing.says(answer)
        assert isinstance(playing.goes(), SystemExit)
    playing = Parent()
    playing.says(Call("extract", URL, 5.0, PARAMS))
    assert isinstance(playing.hears(), Open)
    playing.says(Piece(b"x"))
    assert isinstance(playing.goes(), SystemExit)


def test_sockets_and_programs_are_refused() -> None:
    check = refusal({"/opt/deno"})
    for event in ("socket.__new__", "socket.getaddrinfo", "os.system", "os.fork", "os.exec", "os.posix_spawn"):
        with pytest.raises(PermissionError, match=event):
            check(event, ())
    with pytest.raises(PermissionError):
        check("subprocess.Popen", ("/bin/sh", ["sh"], None, None))
    check("subprocess.Popen", ("/opt/deno", ["deno"], None, None))
    check("open", ("/etc/hosts", "r", 0))


def test_its_computing_is_bounded_where_nobody_is_there_to_end_it() -> None:
    script = "from deployments.ytdlp_child import allow_cpu\nallow_cpu(0.5)\nwhile True: pass"
    ran = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert -ran.returncode == signal.SIGXCPU
