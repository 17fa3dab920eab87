"""Cookies that an operator gives for some sites: where they go, and where never."""

import time
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from core.errors import StartupFailed
from core.web import WebRequest
from deployments.cookies import read_cookies, with_cookies
from tests.fakes.names import Names, client
from tests.fakes.site import Reply, Site

HEAD = "# Netscape HTTP Cookie File\n"


def line(domain: str, name: str, value: str, *, path: str = "/", secure: bool = True, expires: int = 0) -> str:
    below = "TRUE" if domain.startswith(".") else "FALSE"
    return "\t".join((domain, below, path, str(secure).upper(), str(expires), name, value)) + "\n"


def jar(folder: Path, *lines: str) -> CookieJar:
    file = folder / "cookies.txt"
    file.write_text(HEAD + "".join(lines), encoding="utf-8")
    return read_cookies(str(file))


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://www.video.example/watch", "login=secret"),
        ("https://video.example/account/me", "login=secret; page=1"),
        ("http://video.example/", None),
        ("https://notvideo.example/", None),
        ("https://video.example.evil.example/", None),
        ("https://evil.example/?video.example", None),
        ("https://exact.example/", "only=here"),
        ("https://sub.exact.example/", None),
    ],
)
def test_a_cookie_goes_to_its_site_and_nowhere_else(url: str, sent: str | None, tmp_path: Path) -> None:
    cookies = jar(
        tmp_path,
        line(".video.example", "login", "secret"),
        line("video.example", "page", "1", path="/account"),
        line("exact.example", "only", "here"),
    )
    header = with_cookies({"Accept": "*/*"}, cookies, url).get("Cookie")
    assert (set(header.split("; ")) if header else None) == (set(sent.split("; ")) if sent else None)


def test_what_has_expired_is_not_sent_and_a_sessions_cookie_is(tmp_path: Path) -> None:
    now = int(time.time())
    cookies = jar(
        tmp_path,
        line("a.example", "old", "1", expires=now - 60),
        line("a.example", "new", "2", expires=now + 3_600),
        "#HttpOnly_" + line("a.example", "session", "3"),
    )
    header = with_cookies({}, cookies, "https://a.example/")["Cookie"]
    assert set(header.split("; ")) == {"new=2", "session=3"}


def test_what_a_request_sets_itself_stays(tmp_path: Path) -> None:
    cookies = jar(tmp_path, line("a.example", "lang", "de"), line("a.example", "login", "secret"))
    headers = with_cookies({"cookie": "lang=en; flag"}, cookies, "https://a.example/")
    assert list(headers) == ["Cookie"]
    assert set(headers["Cookie"].split("; ")) == {"lang=en", "login=secret", "flag"}


@pytest.mark.parametrize("text", ["", "just some words", '{"cookies": []}', HEAD + "too\tfew\n", "\udcff"])
def test_a_file_of_another_form_is_refused_without_quoting_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(StartupFailed, match="not in Netscape's form") as refused:
        read_cookies(str(file))
    assert "too" not in refused.value.problem


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartupFailed, match=r"none\.txt cannot be read: No such file"):
        read_cookies(str(tmp_path / "none.txt"))


async def test_a_redirect_takes_cookies_to_no_other_site(tmp_path: Path) -> None:
    cookies = jar(tmp_path, line("127.0.0.1", "login", "secret", secure=False))
    async with Site() as site, client(cookies=cookies, resolver=Names(localhost=["127.0.0.1"])) as http:
        site.put("/there", Reply(b"caught"))
        site.redirect("/back", site.url("/home"))
        site.put("/home", Reply(b"home", headers={"Set-Cookie": "tracker=1"}))
        away = site.redirect("/away", site.url("/there").replace("127.0.0.1", "localhost"))
        await http.fetch(away)
        await http.fetch(site.url("/back"))
        (await http.open(WebRequest(site.url("/home"), headers={"Cookie": "mine=2"}))).close()
        sent = [(seen.path, seen.headers.get("Cookie")) for seen in site.seen]
    assert sent == [
        ("/away", "login=secret"),
        ("/there", None),
        ("/back", "login=secret"),
        ("/home", "login=secret"),
        ("/home", "login=secret; mine=2"),
    ]
