"""Links to a second of a recording, and one id for all the links that lead to the same recording or channel."""

import html
import re
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

_YOUTUBE_HOSTS = {
    "youtube.com",
    "m.youtube.com",
    "music.youtube.com",
    "gaming.youtube.com",
    "youtube-nocookie.com",
    "youtubekids.com",
    "youtu.be",
}
_YOUTUBE_PATHS = re.compile(r"^/(?:shorts|live|embed|v|e|vi|watch)/([A-Za-z0-9_-]{11})(?:[/?&]|$)")
_NOT_SEEKABLE = re.compile(r"^/(?:shorts|embed|v|e)/")
_YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_YOUTUBE_CHANNEL = re.compile(r"UC[A-Za-z0-9_-]{22}")
_BARE_LIST = re.compile(r"(?:PL|UU|UC|FL|TL|OLAK5uy_)[A-Za-z0-9_-]{16,78}")
_YOUTUBE_LIST = re.compile(r"[A-Za-z0-9_-]{2,80}")
# These name no list of a channel: they are made for one visitor, or around one video.
_PERSONAL_LISTS = re.compile(r"^(?:RD|UL|LL|WL|LM|HL)")
_SCHEMELESS = re.compile(r"^(?://)?(?=(?:[\w-]+\.)*(?:youtube(?:-nocookie|kids)?\.com|youtu\.be)/)", re.IGNORECASE)
_VIMEO_HOSTS = {"vimeo.com", "player.vimeo.com"}
_VIMEO_ID = re.compile(r"/(\d+)(?:/|$)")
_TWITCH_HOSTS = {"twitch.tv", "m.twitch.tv"}
_TWITCH_ID = re.compile(r"/videos?/(\d+)")
# Links to an attachment are signed anew every day.
_DISCORD_HOSTS = {"cdn.discordapp.com", "media.discordapp.net"}
_DISCORD_ID = re.compile(r"^/(?:ephemeral-)?attachments/\d+/(\d+)/")
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
    """One id for all links to a recording: `youtube:ID`, and so for Vimeo, Twitch and Discord; else the URL made plain.

    A plain URL has its host in lower case, no default port, no `www.`, no time, no tracking parameters, and its
    parameters in order of their names. An empty or unreadable URL gives the text itself, stripped.
    """
    parts = _split(_SCHEMELESS.sub("https://", url.strip()))
    if parts is None:
        return url.strip()
    host = _host(parts)
    # Not from a bare id: eleven letters may be a word.
    if known := youtube_id_of(urlunsplit(parts)):
        return f"youtube:{known}"
    for hosts, pattern, site in _SITES:
        match = pattern.search(parts.path) if host in hosts else None
        if match:
            return f"{site}:{match.group(1)}"
    return _plain(parts, host)


_SITES = (
    (_VIMEO_HOSTS, _VIMEO_ID, "vimeo"),
    (_TWITCH_HOSTS, _TWITCH_ID, "twitch"),
    (_DISCORD_HOSTS, _DISCORD_ID, "discord"),
)


def youtube_id_of(text: str) -> str:
    """The id of the YouTube video that `text` leads to, or "": a link in any of YouTube's forms, or the bare id.

    A link may lack its scheme, be escaped for HTML, once or twice, or be the one that leads through YouTube's consent
    page or its attributions.
    """
    text = html.unescape(html.unescape(text.strip()))
    if _YOUTUBE_ID.fullmatch(text):
        return text
    parts = _split(_SCHEMELESS.sub("https://", text))
    for _ in range(3):
        if parts is None:
            return ""
        if (host := _host(parts)) in _YOUTUBE_HOSTS and (known := _youtube_id(parts)):
            return known
        if host not in _YOUTUBE_HOSTS | {"consent.youtube.com", "consent.google.com"}:
            return ""
        onward = dict(parse_qsl(parts.query))
        target = onward.get("continue") or onward.get("u") or onward.get("next") or ""
        parts = _split(f"https://www.youtube.com{target}" if target.startswith("/") else target)
    return ""


def youtube_channel_of(text: str) -> str:
    """The id of the YouTube channel or playlist that `text` names, "" where it names none or names it by a handle.

    A channel's feed, each of its tabs and the list of all its uploads ("UU…") are the channel. A video's link, in a
    playlist too, means the video. `text` may be the bare id.
    """
    parts = _split(_SCHEMELESS.sub("https://", text.strip()))
    if parts is None and _BARE_LIST.fullmatch(text.strip()):
        parts = _split(f"https://youtube.com/playlist?list={text.strip()}")
    if parts is None or _host(parts) not in _YOUTUBE_HOSTS or _youtube_id(parts):
        return ""
    query = dict(parse_qsl(parts.query))
    named = [part for part in parts.path.split("/") if part]
    if parts.path.rstrip("/") == "/feeds/videos.xml":
        candidate = query.get("channel_id") or query.get("playlist_id") or ""
    elif named[:1] in (["channel"], ["browse"]) and len(named) > 1:
        candidate = named[1].removeprefix("VL")
    else:
        candidate = query.get("list", "")
    if candidate.startswith("UU") and _YOUTUBE_CHANNEL.fullmatch(f"UC{candidate[2:]}"):
        candidate = f"UC{candidate[2:]}"
    if _PERSONAL_LISTS.match(candidate) or not _YOUTUBE_LIST.fullmatch(candidate):
        return ""
    return candidate


def is_youtube(url: str) -> bool:
    """Whether `url` is a page of YouTube's own hosts."""
    parts = _split(_SCHEMELESS.sub("https://", url.strip()))
    return parts is not None and _host(parts) in _YOUTUBE_HOSTS


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018 - reading it is what raises for a port that is not a number
    except ValueError:
        return None
    return parts if parts.scheme.lower() in {"http", "https"} and parts.hostname else None


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".").removeprefix("www.")


def _youtube_id(parts: SplitResult) -> str:
    if _host(parts) == "youtu.be":
        candidate = re.split(r"[/&]", parts.path.lstrip("/"))[0]
    elif match := _YOUTUBE_PATHS.match(parts.path):
        candidate = match.group(1)
    else:
        # A page that is one script keeps its address in the fragment: "#!v=…". Some links carry a second "?".
        values = parse_qsl(f"{parts.query}&{parts.fragment.lstrip('!/?')}")
        candidate = next((re.split(r"[^\w-]", value.strip())[0] for name, value in values if name in ("v", "vi")), "")
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
