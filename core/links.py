"""Links to a second of a recording, and one id for all the links that lead to the same recording."""

import re
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

_YOUTUBE_HOSTS = {"youtube.com", "m.youtube.com", "music.youtube.com", "youtube-nocookie.com", "youtu.be"}
_YOUTUBE_PATHS = re.compile(r"^/(?:shorts|live|embed|v|e)/([\w-]{11})(?:/|$)")
_NOT_SEEKABLE = re.compile(r"^/(?:shorts|embed|v|e)/")
_YOUTUBE_ID = re.compile(r"[\w-]{11}")
_VIMEO_HOSTS = {"vimeo.com", "player.vimeo.com"}
_VIMEO_ID = re.compile(r"/(\d+)(?:/|$)")
_TWITCH_HOSTS = {"twitch.tv", "m.twitch.tv"}
_TWITCH_ID = re.compile(r"/videos?/(\d+)")
_MEDIA_TIME = re.compile(r"^t=")
# Parameters that say where a visitor came from, never which recording it is.
_TRACKING = re.compile(r"^(?:utm_\w+|fbclid|gclid|si|feature|ref|ref_src)$")


def link_at(url: str, seconds: float) -> str:
    """`url` made to start at `seconds` (rounded down, so that the first word is not missed).

    YouTube gets `t=90` in its query (a short or an embedded player, which take no time, become the watch page), Twitch
    `t=0h1m30s`; Vimeo and any other site get the fragment `#t=90`
    (W3C Media Fragments). The rest of the query stays as it is; a time that was there is replaced.
    """
    parts = _split(url)
    if parts is None:
        return url
    whole = max(0, int(seconds)) if seconds == seconds and abs(seconds) != float("inf") else 0
    host = _host(parts)
    if host in _YOUTUBE_HOSTS:
        return urlunsplit(_with_query_time(_watch_page(parts), str(whole)))
    if host in _TWITCH_HOSTS:
        return urlunsplit(_with_query_time(parts, f"{whole // 3600}h{whole // 60 % 60}m{whole % 60}s"))
    return urlunsplit(parts._replace(fragment=_with_media_time(parts.fragment, whole)))


def recording_id_of(url: str) -> str:
    """One id for every link to the same recording: `youtube:ID`, `vimeo:ID`, `twitch:ID`, else the URL made plain.

    A plain URL has its host in lower case, no default port, no `www.`, no time, no tracking parameters, and its
    parameters in order of their names. An empty or unreadable URL gives the text itself, stripped.
    """
    parts = _split(url)
    if parts is None:
        return url.strip()
    host = _host(parts)
    known = _youtube_id(parts) if host in _YOUTUBE_HOSTS else ""
    if known:
        return f"youtube:{known}"
    for hosts, pattern, site in ((_VIMEO_HOSTS, _VIMEO_ID, "vimeo"), (_TWITCH_HOSTS, _TWITCH_ID, "twitch")):
        match = pattern.search(parts.path) if host in hosts else None
        if match:
            return f"{site}:{match.group(1)}"
    return _plain(parts, host)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018 - reading it is what raises for a port that is not a number
    except ValueError:
        return None
    return parts if parts.scheme.lower() in {"http", "https"} and parts.hostname else None


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").removeprefix("www.")


def _youtube_id(parts: SplitResult) -> str:
    if _host(parts) == "youtu.be":
        candidate = parts.path.lstrip("/").split("/")[0]
    elif match := _YOUTUBE_PATHS.match(parts.path):
        candidate = match.group(1)
    else:
        candidate = next((value for name, value in parse_qsl(parts.query) if name == "v"), "")
    return candidate if _YOUTUBE_ID.fullmatch(candidate) else ""


def _watch_page(parts: SplitResult) -> SplitResult:
    known = _youtube_id(parts) if _NOT_SEEKABLE.match(parts.path) else ""
    return parts._replace(path="/watch", query="&".join(filter(None, (f"v={known}", parts.query)))) if known else parts


def _with_query_time(parts: SplitResult, value: str) -> SplitResult:
    # Other parameters are carried over letter by letter: parsing and writing them again would change signed links.
    kept = [item for item in parts.query.split("&") if item and item.partition("=")[0] not in {"t", "start"}]
    return parts._replace(query="&".join([*kept, f"t={value}"]), fragment=_without_media_time(parts.fragment))


def _without_media_time(fragment: str) -> str:
    return "&".join(item for item in fragment.split("&") if not _MEDIA_TIME.match(item))


def _with_media_time(fragment: str, seconds: int) -> str:
    kept = _without_media_time(fragment)
    return f"{kept}&t={seconds}" if kept else f"t={seconds}"


def _plain(parts: SplitResult, host: str) -> str:
    default = {"http": 80, "https": 443}[parts.scheme.lower()]
    netloc = f"[{host}]" if ":" in host else host
    if parts.port not in {None, default}:
        netloc = f"{netloc}:{parts.port}"
    # Elsewhere `t` may be the recording itself (a topic's number, say); there a time stands in the fragment.
    dropped = {"t", "start"} if host in _YOUTUBE_HOSTS | _TWITCH_HOSTS else set()
    items = [(item.partition("=")[0], item) for item in parts.query.split("&") if item]
    query = sorted(item for name, item in items if name not in dropped and not _TRACKING.match(name))
    # A fragment that looks like a path is one: such sites show every recording under the same address.
    fragment = parts.fragment if parts.fragment.startswith(("/", "!")) else ""
    return urlunsplit(
        (parts.scheme.lower(), netloc, parts.path.rstrip("/"), "&".join(query), _without_media_time(fragment))
    )
