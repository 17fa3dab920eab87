"""Decodes the sound of a media file in pieces, with the FFmpeg libraries that PyAV brings: no program is started.

The file comes from strangers. Only containers that hold their sound themselves are opened: a playlist would make
FFmpeg read other files and fetch other addresses, past the one HTTP client.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from core.errors import BadInput
from core.speech import SAMPLE_RATE, quietest_cut

log = logging.getLogger(__name__)

_CONTAINERS = (
    "aac,ac3,aiff,amr,asf,avi,caf,eac3,flac,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,ogg,wav,w64"
)
# A cut is looked for in the last minute of a piece, or in its second half if it is shorter.
_SEARCH_S = 60.0
# What cannot be decoded becomes silence, so that later words keep their times; a header may claim any length.
_LONGEST_HOLE_S = 60.0
_UNREADABLE = ("Its sound cannot be read: the file is broken, or no audio or video.", "Check that it plays.")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of sound: `samples` are mono at `core.speech.SAMPLE_RATE`, -1 to 1, shape (n,)."""

    start_s: float
    samples: NDArray[np.float32]

    @property
    def end_s(self) -> float:
        return self.start_s + len(self.samples) / SAMPLE_RATE


def length_of(path: Path) -> float:
    """How many seconds of sound the file holds, by its packets and not by its header: nothing is decoded.

    0.0 where its packets do not say. Raises BadInput for what is no media file or has no sound.
    """
    with _opened(path) as (container, stream):
        return round(sum(_seconds(packet) for packet in _packets(container, stream)), 3)


def pieces(path: Path, piece_s: float) -> Iterator[Piece]:
    """The sound of the file in pieces of at most `piece_s` seconds, cut where it is quiet.

    One piece is in memory at a time, so a recording may be of any length. Raises BadInput as `length_of` does, and
    where nothing of it can be decoded.
    """
    longest = int(piece_s * SAMPLE_RATE)
    search = int(min(_SEARCH_S, piece_s / 2) * SAMPLE_RATE)
    waiting: list[NDArray[np.int16]] = []
    start = size = 0
    for samples in _sound(path):
        waiting.append(samples)
        size += len(samples)
        while size >= longest:
            sound = np.concatenate(waiting)
            cut = quietest_cut(sound[:longest], search)
            yield _piece(start, sound[:cut])
            start, size, waiting = start + cut, size - cut, [sound[cut:]]
    if size:
        yield _piece(start, np.concatenate(waiting))


def _piece(start: int, sound: NDArray[np.int16]) -> Piece:
    return Piece(start / SAMPLE_RATE, sound.astype(np.float32) / np.float32(32_768))


def _sound(path: Path) -> Iterator[NDArray[np.int16]]:
    """The samples of the file, mono, as they are decoded. Raises BadInput where not one packet can be."""
    decoded = 0
    with _opened(path) as (container, stream):
        resampler = _resampler()
        source: tuple[str, str, int] | None = None
        for packet in _packets(container, stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                hole = min(_seconds(packet), _LONGEST_HOLE_S)
                yield np.zeros(int(hole * SAMPLE_RATE), np.int16)
                continue
            for frame in frames:
                form = (frame.format.name, frame.layout.name, frame.sample_rate)
                if source not in (None, form):  # an advertisement that was put into a podcast
                    yield from _resampled(resampler, None)
                    resampler = _resampler()
                source = form
                decoded += 1
                yield from _resampled(resampler, frame)
        if not decoded:
            raise BadInput(*_UNREADABLE)
        yield from _resampled(resampler, None)


def _resampler() -> AudioResampler:
    return AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)


def _resampled(resampler: AudioResampler, frame: AudioFrame | None) -> Iterator[NDArray[np.int16]]:
    if frame is not None:
        frame.pts = None  # samples are counted; a stream's own clock may jump
    for converted in resampler.resample(frame):
        yield converted.to_ndarray().reshape(-1).astype(np.int16, copy=False)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, AudioStream]]:
    with path.open("rb") as file:
        options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
        try:
            container = av.open(file, mode="r", options=options, metadata_errors="ignore", io_open=_refuse)
        except (av.error.FFmpegError, ValueError) as error:
            log.info("no media file: %s", error)
            raise BadInput(*_UNREADABLE) from None
        with container:
            if not container.streams.audio:
                raise BadInput("It has no sound.", "Link to a recording in which somebody speaks.")
            yield container, container.streams.audio[0]


def _refuse(url: str, *_: Any) -> Any:
    raise PermissionError(f"a media file may not open {url!r}")


def _packets(container: InputContainer, stream: AudioStream) -> "Iterator[Packet[AudioStream]]":
    """The packets of `stream` and its end; a file that breaks off ends there."""
    packets = iter(container.demux(stream))
    while True:
        try:
            yield next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError as error:
            log.info("a media file breaks off: %s", error)
            return


def _seconds(packet: "Packet[AudioStream]") -> float:
    return float(packet.duration * packet.time_base) if packet.duration and packet.time_base else 0.0
