"""What is made of pages, also of those that want to be expensive."""

from time import perf_counter

import pytest

from services.message.messages.domain import LinkPreview
from services.message.previews.parse import MAX_HEAD, cut, image_of, page_of, preview_of

URL = "https://a.example/dir/page"


def test_a_page_says_what_it_wants_to_be_shown() -> None:
    text = """<!doctype html><html><head><title>plain</title>
    <meta property="og:title" content="A &amp; B"><meta content='what it is about' property='og:description'>
    <meta property="og:site_name" content="Site"><meta property="og:image" content="../picture.png">
    <meta property="og:title" content="second"></head><body><meta property="og:image" content="https://b.example">"""
    expected = LinkPreview("u", "A & B", "what it is about", "Site", "https://a.example/picture.png")
    assert preview_of("u", URL, text) == expected


def test_a_title_and_a_description_are_enough() -> None:
    text = "<TITLE>\n one\ttwo </TITLE><title>other</title><META NAME=Description CONTENT=about>"
    assert preview_of("u", URL, text) == LinkPreview("u", "one two", "about", "", "")


@pytest.mark.parametrize(
    "text", ["", "no page", "<title> \n </title>", "<body><title>late</title>", "<!-- <title>x</title>"]
)
def test_a_page_without_a_title_has_no_preview(text: str) -> None:
    assert preview_of("u", URL, text) is None


def test_texts_are_cut() -> None:
    text = f"<title>{'t' * 300}</title><meta name=description content={'d' * 900}>"
    text += f"<meta property=og:site_name content={'s' * 300}>"
    shown = preview_of("u", URL, text)
    assert shown is not None
    assert (len(shown.title), len(shown.description), len(shown.site_name)) == (200, 500, 100)


def test_nothing_is_kept_that_cannot_be_seen() -> None:
    """Nor what turns the direction of what follows."""
    assert cut("a\x00b\u202e c\x1b[31m \u2028d\ud800", 100) == "ab c[31m d"
    assert cut("👩\u200d🚀", 100) == "👩\u200d🚀"


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ("https://b.example/x.png", "https://b.example/x.png"),
        ("//b.example/x.png", "https://b.example/x.png"),
        ("/x.png", "https://a.example/x.png"),
        *((bad, "") for bad in ("", " ", "http://b.example/x", "javascript:alert(1)", "data:image/png;base64,x")),
        *((bad, "") for bad in ("https://u:p@b.example/", "https://b.example:8443/", "https://b.example:x/")),
        *(
            (bad, "")
            for bad in (
                "https://b.example/\x00",
                "https://b.example/'\"",
                "https://[::1",
                "https://b.example/" + "x" * 2000,
            )
        ),
    ],
)
def test_pictures_are_of_https(image: str, shown: str) -> None:
    assert image_of(image, URL) == shown


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        "<!--",
        "<![CDATA[",
        "<!",
        "<?",
        "</",
        "&",
        "&lt",
        "<title>",
        '<a b="',
        "x ",
        "<meta a=b ",
        "<script>",
        "<a/",
    ],
)
def test_no_page_makes_it_expensive(piece: str) -> None:
    """In a second of a slow machine: it runs in a thread, a few at a time."""
    text = "<title>t</title>" + piece * (MAX_HEAD // len(piece) + 1)
    started = perf_counter()
    page_of(text)
    assert perf_counter() - started < 2
