"""Looking at pages of strangers: what is read of them, and that nobody is led to where only we can reach.

`site.example` is this machine, which is allowed here and there only; whatever else is checked as it always is.
"""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Collection
from time import perf_counter

import pytest

from services.message.previews.domain import are_public
from services.message.previews.fetch import MAX_BYTES, Fetcher, Refused
from tests.site import HTML, Names, Send, Site, open_site, page, redirect, titled


def allow(resolved: Collection[str]) -> bool:
    return resolved == ["127.0.0.1"] or are_public(resolved)


def fetcher(site: Site, names: Names | None = None, total_s: float = 5) -> Fetcher:
    return Fetcher(resolve=names or Names(), allow=allow, ports={site.port}, total_s=total_s)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as site:
        yield site


async def title(site: Site, path: str = "/", names: Names | None = None) -> str:
    """Of what is shown; empty for nothing."""
    async with fetcher(site, names) as opened:
        shown = await opened.preview(site.at(path))
    return shown.title if shown else ""


async def test_a_page_is_shown_by_the_address_that_was_written(site: Site) -> None:
    site.answers["/x?y"] = page('<title>hello</title><meta property="og:image" content="https://b.example/i">')
    async with fetcher(site) as opened:
        shown = await opened.preview(site.at("/x?y") + "#part")
    assert shown is not None
    assert (shown.url, shown.title, shown.image_url) == (site.at("/x?y") + "#part", "hello", "https://b.example/i")


async def test_the_server_is_told_the_name_and_little_more(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cookies, and none of the proxies of the environment."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    site.answers["/"] = page("", status="302 Found", Location="/next", Set_Cookie="a=b")
    site.answers["/next"] = titled("t")
    assert await title(site) == "t"
    for request in site.asked:
        headers = dict(line.split(": ", 1) for line in request.lower().strip().split("\r\n")[1:])
        assert headers.pop("user-agent").startswith("chat-link-preview/")
        assert headers.pop("host") == f"site.example:{site.port}"
        assert headers == {"accept": "text/html", "accept-encoding": "gzip, identity", "connection": "close"}


HOSTS = [
    *("127.0.0.1", "127.1", "0", "0x7f.1", "0x7f000001", "0177.0.0.1", "2130706433", "017700000001", "localhost"),
    *("10.0.0.1", "100.64.0.1", "169.254.169.254", "172.16.0.1", "192.168.0.1", "224.0.0.1", "255.255.255.255"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1%25lo]"),
    *("[64:ff9b::7f00:1]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[fd00::1]", "[ff02::1]", "[::1%25lo]"),
    *("①②⑦.⓪.⓪.①", "127。0。0。1", "%31%32%37.0.0.1", "127.0.0.1.", "127.0.0.1%00.example", "1\u3002example@127.0.0.1"),
]


@pytest.mark.parametrize("host", HOSTS)
async def test_no_form_of_an_address_leads_inside(site: Site, host: str) -> None:
    """With the resolver and the rule that installations have."""
    async with Fetcher(ports={site.port}) as opened:
        assert await opened.preview(f"http://{host}:{site.port}/") is None
    assert site.asked == []


@pytest.mark.parametrize("host", HOSTS)
async def test_no_redirect_leads_inside(site: Site, host: str) -> None:
    """The first hop is allowed, and no other one is."""
    inside = f"http://{host}:{site.port}/inside"
    site.answers |= {"/": redirect(inside), "/inside": titled("secret")}
    allowed = iter([True])
    only_first = Fetcher(
        resolve=Names(), allow=lambda found: next(allowed, False) or are_public(found), ports={site.port}
    )
    async with only_first as opened:
        assert await opened.preview(site.at("/")) is None
    assert site.paths == ["/"]


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1%lo", "127.0.0.2"])
async def test_no_name_leads_inside(site: Site, address: str) -> None:
    names = Names({"site.example": [address]})
    assert await title(site, names=names) == ""
    assert (names.asked, site.asked) == (["site.example"], [])


async def test_a_name_that_means_something_else_a_moment_later_changes_nothing(site: Site) -> None:
    """It is resolved once, and what was checked is what is connected to: the second answer is never asked for."""
    site.answers["/"] = titled("checked")
    names = Names({"site.example": ["127.0.0.1", "10.0.0.1"]})
    assert await title(site, names=names) == "checked"
    assert names.asked == ["site.example"]


async def test_a_name_that_leads_inside_at_the_second_hop_is_refused_there(site: Site) -> None:
    site.answers |= {"/": redirect("/inside"), "/inside": titled("secret")}
    names = Names({"site.example": ["127.0.0.1", "127.0.0.2"]})
    assert await title(site, names=names) == ""
    assert (names.asked, site.paths) == (["site.example"] * 2, ["/"])


async def test_three_redirects_are_followed_and_no_more(site: Site) -> None:
    site.answers |= {f"/{i}": redirect(f"/{i + 1}") for i in range(4)} | {"/4": titled("end")}
    assert await title(site, "/1") == "end"
    site.asked.clear()
    assert await title(site, "/0") == ""
    assert site.paths == ["/0", "/1", "/2", "/3"]


@pytest.mark.parametrize(
    "to", ["ftp://site.example/", "file:///etc/passwd", "//u:p@site.example/", "http://site.example:22/", ""]
)
async def test_redirects_lead_to_pages_only(site: Site, to: str) -> None:
    site.answers["/"] = redirect(to.replace("@site.example", f"@site.example:{site.port}"))
    assert await title(site) == ""
    assert set(site.paths) == {"/"}


@pytest.mark.parametrize(
    "url",
    [
        "http://u:p@site.example:{}/",
        "http://u@site.example:{}/",
        "ftp://site.example:{}/",
        "http://site.example:22/",
        "http:///x",
        "http://" + "a" * 2000,
    ],
)
async def test_other_addresses_are_not_looked_at(site: Site, url: str) -> None:
    site.answers["/"] = titled("t")
    async with fetcher(site) as opened:
        assert await opened.preview(url.format(site.port)) is None
    assert site.asked == []


async def test_only_the_usual_ports_are_connected_to(site: Site) -> None:
    async with Fetcher(resolve=Names(), allow=allow) as opened:
        with pytest.raises(Refused, match="port"):
            await opened.page(site.at("/"))


@pytest.mark.parametrize(
    "answer",
    [
        page("<title>t</title>", kind="text/plain"),
        page("<title>t</title>", kind="application/xhtml+xml"),
        page("<title>t</title>", kind=""),
        page("<title>t</title>", status="404 Not Found"),
        page("<title>t</title>", status="206 Partial Content"),
        page("<title>t</title>", Content_Encoding="br"),
        page("<title>t</title>", Content_Encoding="gzip"),
        page("", status="302 Found"),
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\n<title>t",
        b"what is this?\r\n\r\n",
        b"",
    ],
)
async def test_what_is_no_page_has_no_preview(site: Site, answer: bytes) -> None:
    site.answers["/"] = answer
    assert await title(site) == ""


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        ("text/html; charset=iso-8859-1", "<title>é</title>".encode("latin-1"), "é"),
        ("text/html", '<meta charset="windows-1251"><title>да</title>'.encode("cp1251"), "да"),
        ("text/html; charset=utf-8", b"<title>\xff</title>", "\ufffd"),
        ("text/html; charset=idna", "<title>é</title>".encode(), "é"),
    ],
)
async def test_texts_are_read_as_they_are_written(site: Site, kind: str, body: bytes, shown: str) -> None:
    site.answers["/"] = page(body, kind=kind)
    assert await title(site) == shown


async def test_a_slow_server_is_not_waited_for(site: Site) -> None:
    """Neither one that says nothing, nor one that always says a little."""

    async def silent(send: Send) -> None:
        await asyncio.Event().wait()

    async def dripping(send: Send) -> None:
        await send(f"HTTP/1.1 200 OK\r\nContent-Type: {HTML}\r\n\r\n".encode())
        while True:
            await send(b" ")
            await asyncio.sleep(0.01)

    site.answers |= {"/silent": silent, "/dripping": dripping}
    for path in ("/silent", "/dripping"):
        started = perf_counter()
        async with fetcher(site, total_s=0.2) as opened:
            assert await opened.preview(site.at(path)) is None
        assert 0.2 <= perf_counter() - started < 2


async def test_of_a_huge_page_only_the_beginning_is_read(site: Site) -> None:
    sent = 0

    async def endless(send: Send) -> None:
        nonlocal sent
        await send(f"HTTP/1.1 200 OK\r\nContent-Type: {HTML}\r\n\r\n<title>big</title>".encode())
        while True:
            await send(b" " * 65536)
            sent += 65536

    site.answers["/"] = endless
    async with fetcher(site) as opened:
        _, text = await opened.page(site.at("/"))
    assert len(text) == MAX_BYTES
    assert sent < 16 * MAX_BYTES  # What the sockets of both sides hold is sent, and not read.


async def test_of_a_page_its_head_is_read(site: Site) -> None:
    site.answers["/"] = page(b"<title>t</title></he" + b"ad>" + b"x" * 500_000)
    async with fetcher(site) as opened:
        _, text = await opened.page(site.at("/"))
    assert len(text) < 500_000
    assert await title(site) == "t"


async def test_pages_come_compressed(site: Site) -> None:
    site.answers["/"] = page(gzip.compress(b"<title>small</title>"), Content_Encoding="gzip")
    assert await title(site) == "small"


async def test_a_bomb_is_read_up_to_where_it_becomes_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of a gigabyte in 260 kB. It is never in memory at once, whatever a part of it stands for."""
    largest = 0

    class Watched:
        def __init__(self, wbits: int) -> None:
            self._inner = inflate(wbits)

        def decompress(self, data: bytes, max_length: int) -> bytes:
            nonlocal largest
            made = self._inner.decompress(data, max_length)
            largest = max(largest, len(made))
            return made

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    inflate = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", Watched)
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    bomb = packer.compress(b"<title>boom</title>") + b"".join(packer.compress(bytes(1 << 20)) for _ in range(256))
    site.answers["/"] = page(bomb + packer.flush(), Content_Encoding="gzip")
    async with fetcher(site) as opened:
        _, text = await opened.page(site.at("/"))
    assert (len(text), text[:7]) == (MAX_BYTES, "<title>")
    assert 0 < largest <= 65536


async def test_a_server_has_to_prove_the_name_that_was_asked_for() -> None:
    """It is greeted with the name, not with the address; one that proves nothing is not heard."""
    greeted = asyncio.Queue[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.put_nowait(await reader.read(65536))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Fetcher(resolve=Names(), allow=allow, ports={port}) as opened:
            assert await opened.preview(f"https://site.example:{port}/") is None
    assert b"site.example" in greeted.get_nowait()


async def test_names_that_are_not_there_have_no_preview() -> None:
    async def nobody(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    async with Fetcher(resolve=nobody) as opened:
        assert await opened.preview("http://site.example/") is None
