"""Decoding media of strangers: the right samples, in pieces, and nothing but the file itself is read."""

import asyncio
import io
import tracemalloc
import wave
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.container import InputContainer

from core.errors import BadInput
from core.speech import SAMPLE_RATE
from deployments.audio_decoding import length_of, pieces
from tests.fakes.site import Reply, Site
from tests.fakes.speech import BURST_S, tone

BURSTS = (1.0, 3.0, 6.5)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


def encoded(source: bytes, container: str, codec: str, rate: int = 44_100, layout: str = "stereo") -> bytes:
    """The sound of a WAV file in another form."""
    target = io.BytesIO()
    with _reader(source) as reader, av.open(target, "w", format=container) as writer:
        stream: Any = writer.add_stream(codec, rate=rate, layout=layout)
        resampler = av.AudioResampler(stream.format, layout, rate, frame_size=stream.codec_context.frame_size or 1024)
        for frame in [*reader.decode(audio=0), None]:
            for converted in resampler.resample(frame):
                writer.mux(stream.encode(converted))
        writer.mux(stream.encode(None))
    return target.getvalue()


def _reader(data: bytes) -> InputContainer:
    return av.open(io.BytesIO(data), "r")


def written(folder: Path, data: bytes, name: str = "sound") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def sound_of(path: Path, piece_s: float = 600.0) -> np.ndarray:
    return np.concatenate([piece.samples for piece in pieces(path, piece_s)])


def read(path: Path) -> np.ndarray:
    """The sound, as the transcriber reads it."""
    assert length_of(path) >= 0
    return sound_of(path)


def bursts(samples: np.ndarray) -> list[float]:
    """When it gets loud, in seconds."""
    frame = SAMPLE_RATE // 50
    loud = np.abs(samples[: len(samples) // frame * frame]).reshape(-1, frame).max(axis=1) > 0.15
    return [float(edge) / 50 for edge in np.flatnonzero(np.diff(loud.astype(int), prepend=0) == 1)]


FORMS = [
    ("mp3", "mp3", 44_100, "stereo"),
    ("adts", "aac", 48_000, "stereo"),
    ("ogg", "libopus", 48_000, "mono"),
    ("mp4", "aac", 22_050, "mono"),
    ("matroska", "flac", 44_100, "stereo"),
    ("mpegts", "aac", 44_100, "stereo"),
]


@pytest.mark.parametrize(("container", "codec", "rate", "layout"), FORMS)
def test_words_keep_their_times_in_every_form(
    tmp_path: Path, container: str, codec: str, rate: int, layout: str
) -> None:
    path = written(tmp_path, encoded(tone(8.0, BURSTS), container, codec, rate, layout))
    assert length_of(path) == pytest.approx(8.0, abs=0.15)
    samples = sound_of(path)
    assert len(samples) / SAMPLE_RATE == pytest.approx(8.0, abs=0.15)
    assert bursts(samples) == pytest.approx(BURSTS, abs=0.08)


@pytest.mark.parametrize("piece_s", [1.5, 2.0, 3.7])
def test_pieces_join_to_the_whole_and_are_cut_where_it_is_quiet(tmp_path: Path, piece_s: float) -> None:
    path = written(tmp_path, tone(30.0, np.arange(0.5, 29.0, 1.0).tolist()))
    found = list(pieces(path, piece_s))
    assert np.array_equal(np.concatenate([piece.samples for piece in found]), sound_of(path))
    for piece, following in pairwise(found):
        assert len(piece.samples) <= piece_s * SAMPLE_RATE
        assert piece.end_s == pytest.approx(following.start_s)
        assert (piece.end_s - 0.5) % 1.0 > BURST_S


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    def peak_bytes(length_s: int) -> int:
        path = written(tmp_path, b"")
        with path.open("wb") as file, wave.open(file, "wb") as writer:
            writer.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
            for _ in range(length_s // 60):
                writer.writeframesraw(bytes(2 * 60 * SAMPLE_RATE))
        tracemalloc.start()
        try:
            assert sum(len(piece.samples) for piece in pieces(path, 60.0)) == length_s * SAMPLE_RATE
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak_bytes(1_200) < 1.2 * peak_bytes(180)


def test_a_podcast_with_an_advertisement_in_another_form_is_read_to_its_end(tmp_path: Path) -> None:
    talk = encoded(tone(4.0, (1.0,)), "mp3", "mp3", 44_100, "stereo")
    advertisement = encoded(tone(3.0, (1.0,)), "mp3", "mp3", 22_050, "mono")
    path = written(tmp_path, talk + advertisement + talk)
    assert bursts(sound_of(path)) == pytest.approx([1.0, 5.0, 8.0], abs=0.25)


def test_a_broken_part_is_silence_and_later_words_keep_their_times(tmp_path: Path) -> None:
    whole = encoded(tone(8.0, BURSTS), "matroska", "aac")
    target = io.BytesIO()
    with _reader(whole) as reader, av.open(target, "w", format="matroska") as writer:
        stream = writer.add_stream_from_template(reader.streams.audio[0])
        for packet in reader.demux(audio=0):
            if packet.size:
                broken = packet.pts is not None and 4.0 < packet.pts * packet.time_base < 6.0
                kept = av.Packet(b"\xff" * 20 if broken else bytes(packet))
                kept.stream, kept.time_base = stream, packet.time_base
                kept.pts, kept.dts, kept.duration = packet.pts, packet.dts, packet.duration
                writer.mux(kept)
    path = written(tmp_path, target.getvalue())
    assert bursts(read(path)) == pytest.approx(BURSTS, abs=0.1)


# ---------------------------------------------------------------- what cannot be read
BROKEN = {
    "empty": b"",
    "text": b"Not a recording at all.\n" * 100,
    "page": b"<!doctype html><html><body>Please log in</body></html>",
    "half a header": tone(1.0, ())[:20],
    "random": bytes(range(256)) * 400,
    "no end": encoded(tone(4.0, (1.0,)), "mp4", "aac")[:2000],
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=list(BROKEN))
def test_what_is_no_media_is_refused_with_a_sentence(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path, data)
    with pytest.raises(BadInput, match=r"cannot be read: the file is broken|has no sound"):
        read(path)


def test_a_film_without_sound_is_told(tmp_path: Path) -> None:
    target = io.BytesIO()
    with av.open(target, "w", format="matroska") as writer:
        stream = writer.add_stream("ffv1", rate=5)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        writer.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))))
        writer.mux(stream.encode(None))
    with pytest.raises(BadInput, match="It has no sound"):
        length_of(written(tmp_path, target.getvalue()))


PLAYLISTS = {
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile {url}\n",
    "DASH": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="audio/mp4">'
    '<Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\na=control:{url}\nm=audio 9 RTP/AVP 0\n",
}


@pytest.mark.parametrize("form", PLAYLISTS.values(), ids=list(PLAYLISTS))
async def test_a_playlist_in_the_place_of_media_opens_nothing_else(site: Site, tmp_path: Path, form: str) -> None:
    secret = written(tmp_path, tone(9.0, BURSTS), "secret.wav")
    for target in (site.put("/x.wav", Reply(secret.read_bytes(), "audio/wav")), secret.name, str(secret)):
        path = written(tmp_path, form.format(url=target).encode(), "list.m3u8")
        with pytest.raises(BadInput, match="cannot be read"):
            await asyncio.to_thread(length_of, path)
    assert site.seen == []
