"""Brings lists of uploads together: newest first, each upload once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.uploads import Upload


def merged(lists: Iterable[Sequence[Upload]]) -> tuple[Upload, ...]:
    """All uploads of `lists`, newest first and each once. The lists of a channel's tabs are newest first themselves.

    An upload without a date stands where its list puts it: after the one before it; in a list without any dates, the
    n-th beside the n-th of the others. Of an upload that is listed twice, what is known better is kept.
    """
    known = [list(uploads) for uploads in lists]
    every = (upload.published_at for uploads in known for upload in uploads)
    dates = sorted((moment for moment in every if moment is not None), reverse=True)
    ranked: list[tuple[float, Upload]] = []
    for uploads in known:
        ranked += zip(_places(uploads, dates), uploads, strict=True)
    ranked.sort(key=lambda place: -place[0])
    found: dict[str, Upload] = {}
    for _, upload in ranked:
        twin = found.get(upload.recording_id)
        found[upload.recording_id] = upload if twin is None else _better(twin, upload)
    return tuple(found.values())


def _places(uploads: Sequence[Upload], dates: Sequence[float]) -> list[float]:
    own = [upload.published_at for upload in uploads if upload.published_at is not None]
    if not own:
        return [dates[min(place, len(dates) - 1)] if dates else -float(place) for place in range(len(uploads))]
    places: list[float] = []
    last = own[0]
    for upload in uploads:
        last = last if upload.published_at is None else upload.published_at
        places.append(last)
    return places


def _better(one: Upload, other: Upload) -> Upload:
    """`one`, with the date, length and kind of `other` where those are known better."""
    if (other.published_at is not None) and (one.published_at is None or (other.exact and not one.exact)):
        one = replace(one, published_at=other.published_at, exact=other.exact)
    if other.kind_is_certain and not one.kind_is_certain:
        one = replace(one, kind=other.kind, kind_is_certain=True)
    return replace(one, length_s=one.length_s or other.length_s, title=one.title or other.title)
