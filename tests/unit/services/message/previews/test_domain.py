"""Rules of previews: which addresses are looked at, and which are never."""

from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter

import pytest

from services.message.command import Origin
from services.message.messages.domain import LinkPreview, Message
from services.message.previews.domain import (
    MAX_URL,
    SetPreviews,
    addresses,
    are_public,
    is_host,
    is_public,
    previewed,
)

MESSAGE = Message("m", "w", "c", 1, "author", "k", "hi", "", {}, 3, datetime(2026, 5, 1, tzinfo=UTC))
SHOWN = (LinkPreview("https://a.example", "A", "", "", ""),)

NOT_PUBLIC = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "100.100.100.200"),
    *("127.0.0.1", "127.255.255.254", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    "168.63.129.16",
    *("::", "::1", "fe80::1", "fe80::1%eth0", "2606:4700::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254"),
    *("ff02::1", "ff0e::1", "100::1", "2001:db8::1", "3fff::1", "4000::1"),
    *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"),
    *("::127.0.0.1", "::8.8.8.8"),
    *("2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1"),
    *("64:ff9b::127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::10.0.0.1"),
    *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1"),
    *("", "localhost", "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "1.1.1.1.1", "1.1.1.1 "),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700:4700::1111"]
NO_HOSTS = [
    *("0x7f.0.0.1", "0x7f000001", "0X7F.1".lower(), "0177.0.0.1", "017700000001", "2130706433", "127.1", "127.0.1"),
    *("127.0.0.1.", "1.1.1.1.1", "256.1.1.1", "a.0x", "a.1", "1.0x7f"),
    *(
        "",
        ".",
        "a..b",
        "-a.example",
        "a_.-b",
        "%31%32%37.0.0.1",
        "ex%20ample",
        "a b",
        "a\x00b",
        "é.example",
        "*",
        "a@b",
    ),
    "a." * 127 + "example",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_of_the_internet_is_never_looked_at(address: str) -> None:
    assert not is_public(address)
    assert not are_public(["1.1.1.1", address])


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_of_the_internet_may_be_looked_at(address: str) -> None:
    assert is_public(address)


def test_a_name_without_addresses_leads_nowhere() -> None:
    assert not are_public([])


@pytest.mark.parametrize("host", NO_HOSTS)
def test_hosts_in_unusual_forms_are_none(host: str) -> None:
    """Numbers above all: who resolves names may take them for addresses."""
    assert not is_host(host)


@pytest.mark.parametrize(
    "host", ["example.com", "a", "xn--exmple-cua.com", "a_b.example.", "1.example", "1.1.1.1", "::1"]
)
def test_names_and_plain_addresses_are_hosts(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "see https://a.example/x?y=1#z, and (http://b.example/(c)).",
            ["https://a.example/x?y=1#z", "http://b.example/(c)"],
        ),
        ("[words](https://a.example/x) and <http://b.example>", ["https://a.example/x", "http://b.example"]),
        ("HTTP://A.example! **https://b.example**", ["HTTP://A.example", "https://b.example"]),
        ("http://a.example http://a.example http://b.example", ["http://a.example", "http://b.example"]),
        ("http://a http://b http://c http://d", ["http://a", "http://b", "http://c"]),
        ("ftp://a javascript:https nohttp://a www.a.example https:// http", []),
        (f"http://a/{'x' * MAX_URL} http://b", ["http://b"]),
    ],
)
def test_the_first_addresses_of_a_text_are_found(text: str, found: list[str]) -> None:
    assert list(addresses(text)) == found


@pytest.mark.parametrize("text", ["http://a" + ")" * 9992, "http://" * 1428, "http://a.,)" * 900, "(http://" * 1200])
def test_no_text_makes_it_expensive(text: str) -> None:
    """It happens where commits are told of, which everybody waits for."""
    started = perf_counter()
    addresses(text)
    assert perf_counter() - started < 0.1


def test_previews_change_the_etag_and_not_the_version() -> None:
    shown = previewed(MESSAGE, SetPreviews(Origin(), "m", 3, SHOWN))
    assert (shown.previews, shown.version, shown.revision) == (SHOWN, 3, 2)
    assert previewed(shown, SetPreviews(Origin(), "m", 3, SHOWN)) is shown


def test_previews_of_another_text_are_dropped() -> None:
    assert previewed(MESSAGE, SetPreviews(Origin(), "m", 2, SHOWN)) is MESSAGE
    gone = replace(MESSAGE, deleted_at=MESSAGE.created_at)
    assert previewed(gone, SetPreviews(Origin(), "m", 3, SHOWN)) is gone
