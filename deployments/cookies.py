"""Cookies that an operator gives for some sites: a file in Netscape's form, read once and never written."""

import warnings
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy, LoadError, MozillaCookieJar
from urllib.parse import urlsplit

from core.errors import StartupFailed

_ADVICE = "Export the cookies of a browser in Netscape's form, or take the setting out."


def read_cookies(path: str) -> CookieJar:
    """The cookies of the file at `path`. Raises StartupFailed where it cannot be read or is of another form."""
    # A cookie of one host alone goes to no name below it.
    jar = MozillaCookieJar(policy=DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of what it raises, too
            jar.load(path, ignore_discard=True, ignore_expires=True)
    except (LoadError, UnicodeDecodeError):
        # Without the cause: it quotes a line, and that may be a secret.
        raise StartupFailed(f"The cookies file {path} is not in Netscape's form.", _ADVICE) from None
    except OSError as error:
        raise StartupFailed(f"The cookies file {path} cannot be read: {error.strerror}.", _ADVICE) from error
    for cookie in jar:
        if cookie.expires == 0:
            # Browsers export so what lasts as long as their session.
            cookie.expires, cookie.discard = None, True
    return jar


def with_cookies(headers: Mapping[str, str], jar: CookieJar, url: str) -> dict[str, str]:
    """`headers` with those of the jar's cookies that are for `url`: its host, path and scheme, and not expired.

    A cookie that the headers set themselves stays as they have it.
    """
    asking = _Asking(url)
    jar.add_cookie_header(asking)  # type: ignore[arg-type]  # it asks for these methods of a urllib Request alone
    ours = _pairs(asking.cookie)
    if not ours:
        return dict(headers)
    theirs = _pairs("; ".join(value for name, value in headers.items() if name.lower() == "cookie"))
    merged = "; ".join(f"{name}={value}" if value is not None else name for name, value in (ours | theirs).items())
    return {name: value for name, value in headers.items() if name.lower() != "cookie"} | {"Cookie": merged}


def _pairs(header: str) -> dict[str, str | None]:
    parts = (part.strip().partition("=") for part in header.split(";") if part.strip())
    return {name: value if equals else None for name, equals, value in parts}


class _Asking:
    """A request in the form that `http.cookiejar` fills in."""

    unverifiable = False

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._url, self.type, self.host = url, parts.scheme, parts.netloc
        self.origin_req_host = parts.hostname or ""
        self.cookie = ""

    def get_full_url(self) -> str:
        return self._url

    def has_header(self, name: str) -> bool:
        return name == "Cookie" and bool(self.cookie)

    def add_unredirected_header(self, name: str, value: str) -> None:
        if name == "Cookie":
            self.cookie = value
