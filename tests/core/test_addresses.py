"""Which addresses are fetched from."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import MAX_URL_CHARS, check_address, checked_url, is_public
from core.errors import RefusedUrl

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::8.8.8.8",
    "2002:a00:1::",
    "2001::1",
    "64:ff9b::a00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "151.101.1.140", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused_in_a_link_and_behind_a_name(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(RefusedUrl, match="not a public address"):
        checked_url(f"https://{host}/x")
    with pytest.raises(RefusedUrl, match=r"shore\.example is not a public address"):
        check_address(address, host="shore.example")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_let_through(address: str) -> None:
    check_address(address, host="shore.example")
    host = f"[{address}]" if ":" in address else address
    assert checked_url(f"https://{host}/x").host == address


@given(st.ip_addresses(v=4))
def test_no_address_that_the_standard_library_calls_special_is_public(address: ipaddress.IPv4Address) -> None:
    special = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    assert not (special and is_public(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_address_is_refused(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for carried in (
        0xFFFF << 32 | number,
        0x2002 << 112 | number << 80,
        0x64FF9B << 96 | number,
    ):
        assert not is_public(ipaddress.IPv6Address(carried))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://shore.example/", "linked with http"),
        ("ftp://shore.example/", "Only web links"),
        ("file:///etc/passwd", "Only web links"),
        ("javascript:alert(1)", "Only web links"),
        ("shore.example/talk", "Only web links"),
        ("https://", "Only web links"),
        ("", "Only web links"),
        ("https://ada:secret@shore.example/", "user name or password"),
        ("https://ada@shore.example/", "user name or password"),
        ("https://shore.example\\@10.0.0.1/", "backslashes"),
        ("https://shore.example/a b", "blanks"),
        ("https://shore.example/\n", "control characters"),
        ("https://shore.example/\u202e", "control characters"),
        ("https://shore.example:port/", "not a link"),
        ("https://[::1/", "not a link"),
        ("https://localhost/", "this machine"),
        ("https://localhost./", "this machine"),
        ("https://[fe80::1%25eth0]/", "not a public address"),
        ("http://127.0.0.1/", "not a public address"),
        (f"https://shore.example/{'x' * MAX_URL_CHARS}", "longer than"),
    ],
)
def test_a_link_that_may_not_be_fetched_is_refused_with_a_sentence(url: str, problem: str) -> None:
    with pytest.raises(RefusedUrl, match=problem) as refused:
        checked_url(url)
    assert refused.value.advice.endswith(".")


def test_the_secret_in_a_link_is_not_repeated() -> None:
    with pytest.raises(RefusedUrl) as refused:
        checked_url("https://ada:swordfish@shore.example/")
    assert "swordfish" not in str(refused.value)


def test_the_parts_of_a_link() -> None:
    address = checked_url("HTTPS://Shore.Example.:8443/Talk?x=1#t=3")
    assert (address.scheme, address.host, address.port) == ("https", "shore.example", 8443)
    assert checked_url("https://shore.example").port == 443


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.0.1"])
def test_loopback_is_let_through_only_where_it_is_allowed(host: str) -> None:
    assert checked_url(f"http://{host}:8000/feed", allow_loopback=True).port == 8000
    assert checked_url(f"http://{host}/feed", allow_loopback=True).port == 80
    with pytest.raises(RefusedUrl):
        checked_url(f"http://{host}:8000/feed")
    with pytest.raises(RefusedUrl):
        checked_url(f"https://{host}:8000/feed")


@pytest.mark.parametrize("url", ["http://shore.example/", "http://10.0.0.1/", "https://10.0.0.1/", "http://8.8.8.8/"])
def test_allowing_loopback_allows_nothing_else(url: str) -> None:
    with pytest.raises(RefusedUrl):
        checked_url(url, allow_loopback=True)


def test_what_is_not_an_address_cannot_pass_as_a_resolved_one() -> None:
    with pytest.raises(RefusedUrl, match="no address that can be checked"):
        check_address("shore.example", host="shore.example", allow_loopback=True)
    check_address("127.0.0.1", host="localhost", allow_loopback=True)
    with pytest.raises(RefusedUrl):
        check_address("10.0.0.1", host="shore.example", allow_loopback=True)


@given(st.text(max_size=80))
def test_any_text_is_either_a_link_that_can_be_fetched_or_refused(text: str) -> None:
    for candidate in (text, f"https://{text}"):
        try:
            address = checked_url(candidate)
        except RefusedUrl:
            continue
        assert address.scheme == "https"
        assert address.host
