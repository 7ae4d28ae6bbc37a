"""What becomes of a text in Markdown: the HTML that it may show, and that nobody can make it expensive."""

import gc
import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.message.messages.markdown import MAX_LINKS, MAX_MARKS, render

LENGTH = 10_000
"""Of the longest text that a message has."""
REL = ' rel="noopener noreferrer nofollow ugc"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "<p>plain</p>"),
        ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
        ("# a\n\nb\nc", "<h1>a</h1>\n<p>b\nc</p>"),
        ("> a\n\n3. b", '<blockquote>\n<p>a</p>\n</blockquote>\n<ol start="3">\n<li>b</li>\n</ol>'),
        ("- c", "<ul>\n<li>c</li>\n</ul>"),
        ("```py\na<b\n```", '<pre><code class="language-py">a&lt;b\n</code></pre>'),
        ('[a](https://b.c "d")', f'<p><a href="https://b.c" title="d"{REL}>a</a></p>'),
        ("<https://a.b>", f'<p><a href="https://a.b"{REL}>https://a.b</a></p>'),
        ("<mailto:a@b.c>", f'<p><a href="mailto:a@b.c"{REL}>mailto:a@b.c</a></p>'),
        ("1 < 2 & 3", "<p>1 &lt; 2 &amp; 3</p>"),
    ],
)
def test_what_there_is(text: str, html: str) -> None:
    """CommonMark, and strike-through."""
    assert render(text) == html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://a.b/c_d_e?f=1&g=2.", "https://a.b/c_d_e?f=1&amp;g=2"),
        ("(https://a.b/c_(d))", "https://a.b/c_(d)"),
        ("HTTP://A.b!", "HTTP://A.b"),
        ("**https://a.b**", "https://a.b"),
    ],
)
def test_addresses_become_links(text: str, shown: str) -> None:
    """Without what ends the sentence."""
    assert re.findall(r"<a [^>]*>(.*?)</a>", render(text)) == [shown]


@pytest.mark.parametrize("text", ["a.b", "www.a.b", "a@b.c", "ftp://a.b", "xhttp://a.b", "`https://a.b`", "https://"])
def test_what_is_no_address(text: str) -> None:
    """Names and addresses of other kinds stay text."""
    assert "<a" not in render(text)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](/api/users/me)",
        "[x](//evil.example)",
        "[x](\\/evil.example)",
        "<javascript:alert(1)>",
        "![x](https://a.b/c.png)",
        "[x]: javascript:alert(1)\n\n[x]",
        '[x](https://a.b "\\" onmouseover=alert(1)")',
        '```x" onload=alert(1)\na\n```',
        'https://a.b/"onmouseover=alert(1)',
        "https://a.b/<script>",
    ],
)
def test_nothing_gets_in_that_does_something(text: str) -> None:
    """Neither elements, nor handlers, nor addresses of other kinds, nor those of the page it is shown on."""
    check(render(text))


@given(
    st.text(
        st.sampled_from("ab <>[]()\\`*_~!#>-\"'&;:/\n\t\u00a0") | st.characters(exclude_categories=["Cs"]),
        max_size=200,
    )
)
def test_whatever_is_written_is_safe(text: str) -> None:
    """Only elements that are allowed, with the attributes that are."""
    check(render(text))


TAG = re.compile(r"<(/?)([a-z0-9]+)((?: [a-z]+=\"[^\"<]*\")*)>")
ATTRIBUTES = re.compile(
    r' (?:href="(?:https?:|mailto:)[^"]*"|title="[^"]*"|rel="[^"]*"|start="\d+"|class="language-[^" ]*")', re.IGNORECASE
)
ALLOWED = set("p br hr h1 h2 h3 h4 h5 h6 strong em s code pre blockquote ul ol li a".split())  # noqa: SIM905


def check(html: str) -> None:
    """Every `<` begins an element that is allowed."""
    assert html.count("<") == len(TAG.findall(html)), html
    for _, tag, attributes in TAG.findall(html):
        assert tag in ALLOWED, html
        assert ATTRIBUTES.sub("", attributes) == "", html


def hostile() -> Iterator[str]:
    """What takes parsers of Markdown long: everything that opens and never closes, and everything that nests."""
    emphasis = ("*", "_", "*a ", "**a *a ", "a**b", "_a_ ", "*_", "***", "*a_", "`", "``a ", "~~a ", "~")
    links = (
        "[",
        "![",
        "[a](",
        "[a](b",
        "](",
        "[a](<b",
        '[a](b "c',
        "[[a]]",
        "[a][b]",
        "[a]: b\n",
        "<",
        "<a@",
        "<http://",
    )
    blocks = ("> ", ">>>>\n", "- ", "- - ", "  - a\n", "1. ", "# a\n", "x\n", "\n", "\t", "```\n", "* * *\n", "|a|b|\n")
    addresses = ("://", "http://", "http://a ", "http://a(", "http://a.b.c/d_", "ftp://a", "www.", "a@b.c ", ":", "a.")
    for part in (*emphasis, *links, *blocks, *addresses, "&#", "&amp;", "\\", "(", "a\u200b"):
        text = (part * LENGTH)[:LENGTH]
        yield text
        yield from _within_marks(text)
    yield "[" * 5000 + "a" + "]" * 4999
    yield "".join(f"[{i}]: /b\n" for i in range(400)) + "".join(f"[{i}] " for i in range(400))
    yield "".join(" " * (2 * i) + "- a\n" for i in range(140))[:LENGTH]
    yield "".join("`" * i + " " for i in range(1, 140))


def _within_marks(text: str) -> Iterator[str]:
    """The same as far as it is parsed at all: in one place, and spread over the text."""
    marks = [found.end() for found in re.finditer(r"[\n*_~`\[\]!<>&\\]", text)]
    if len(marks) > MAX_MARKS:
        dense = text[: marks[MAX_MARKS - 1]]
        yield (dense + "word " * LENGTH)[:LENGTH]
        room = (LENGTH - len(dense)) // MAX_MARKS
        yield re.sub(r"([\n*_~`\[\]!<>&\\])", r"\1" + "w" * room, dense)[:LENGTH]


@pytest.fixture
def own_garbage() -> Iterator[None]:
    """The collector does not look through all that other tests have left, which takes most of a second."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("own_garbage")
def test_no_text_takes_long() -> None:
    """The worst one found takes some ten milliseconds: one of a thousand lines. The HTML is not much longer."""
    render("*")  # What it needs is loaded once.
    worst: tuple[float, str] = (0.0, "")
    for text in hostile():
        started = time.process_time()
        html = render(text)
        worst = max(worst, (time.process_time() - started, text[:20]))
        assert len(html) < 10 * LENGTH, text[:20]
    print(f"worst: {worst[0] * 1e3:.1f} ms for {worst[1]!r}")
    assert worst[0] < 0.5, worst


def test_a_text_with_too_many_marks_is_shown_as_it_is() -> None:
    """Escaped, with its lines."""
    assert render("*a* " * (MAX_MARKS // 2)).startswith("<p><em>a</em>")
    assert render("*<\n" * MAX_MARKS) == f"<p>{'*&lt;<br>' * MAX_MARKS}</p>"


def test_so_many_addresses_become_links() -> None:
    """The others stay text."""
    assert render("http://a " * (MAX_LINKS + 5)).count("<a ") == MAX_LINKS
