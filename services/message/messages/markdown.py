"""Texts in Markdown as HTML that is safe to show, at a cost that nobody can drive up.

CommonMark without HTML and pictures, with strike-through, and with addresses that become links by themselves.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from nh3 import Cleaner

MAX_MARKS = 1000
"""A text with more characters that mean something in Markdown is shown as it is: parsing takes time for each of them,
and for some with their square."""
MAX_LINKS = 100
"""How many addresses become links by themselves."""
MAX_NESTING = 10
"""How deep quotes, lists and emphasis may stand in each other."""

_MARKS = re.compile(r"[\n*_~`\[\]!<>&\\]")
_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"`]{1,2000}", re.IGNORECASE)
_TRAILING = ".,:;!?'*_~)]}"
_SCHEMES = ("http:", "https:", "mailto:")
_TAGS = {"p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote"}
_TAGS |= {"ul", "ol", "li", "a"}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}}
_REL = "noopener noreferrer nofollow ugc"


def render(text: str) -> str:
    """The HTML of a text."""
    if len(_MARKS.findall(text)) > MAX_MARKS:
        return f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>"
    parser, cleaner = _tools()
    return cleaner.clean(parser.render(text)).strip()


@cache
def _tools() -> "tuple[MarkdownIt, Cleaner]":
    """Made when the first text needs them, since most services never see one."""
    from markdown_it import MarkdownIt
    from nh3 import Cleaner

    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "maxNesting": MAX_NESTING})
    parser.enable("strikethrough").disable("image")
    parser.core.ruler.enable("linkify")
    parser.linkify = _Addresses()
    parser.validateLink = lambda url: url.lower().startswith(_SCHEMES)  # type: ignore[method-assign]
    cleaner = Cleaner(
        tags=_TAGS, attributes=_ATTRIBUTES, link_rel=_REL, url_schemes={"http", "https", "mailto"}, url_relative="deny"
    )
    return parser, cleaner


@dataclass(frozen=True, slots=True)
class _Address:
    index: int
    last_index: int
    url: str
    text: str
    schema: str


class _Addresses:
    """Finds addresses for the parser, in one pass: what it comes with takes the square of a text's length."""

    def pretest(self, text: str) -> bool:
        return "://" in text

    def test(self, text: str) -> bool:
        return _ADDRESS.search(text) is not None

    def match(self, text: str) -> list[_Address]:
        return [address for address, _ in zip(_addresses(text), range(MAX_LINKS), strict=False)]


def _addresses(text: str) -> Iterator[_Address]:
    for found in _ADDRESS.finditer(text):
        url = _without_trailing(found.group())
        yield _Address(found.start(), found.start() + len(url), url, url, url.partition("//")[0])


def _without_trailing(url: str) -> str:
    """Without what ends the sentence it stands in; a bracket that was opened in it stays."""
    while url and url[-1] in _TRAILING:
        if url[-1] == ")" and url.count("(") >= url.count(")"):
            break
        url = url[:-1]
    return url
