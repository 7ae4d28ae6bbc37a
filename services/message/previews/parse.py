"""What a page says of itself: its title, and what it has for others that link to it (OpenGraph)."""

import re
from contextlib import suppress
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin, urlsplit

from services.message.messages.domain import LinkPreview
from services.message.previews.domain import MAX_URL, Page

MAX_HEAD: Final = 128 << 10
"""Characters of a page that are looked at: what stands there is usually said in the first thousands."""
MAX_PIECES: Final = 5000
"""Tags, and texts between them."""
MAX_TITLE, MAX_DESCRIPTION, MAX_SITE_NAME = 200, 500, 100

_HEAD_ENDS = re.compile(r"</head|<body", re.IGNORECASE)
_JOINERS = "\u200c\u200d"


def preview_of(url: str, final_url: str, text: str) -> LinkPreview | None:
    """The preview of `url`, which led to a page with this text at `final_url`; None when it has no title."""
    page = page_of(text)
    title = cut(page.title, MAX_TITLE)
    if not title:
        return None
    return LinkPreview(
        url,
        title,
        cut(page.description, MAX_DESCRIPTION),
        cut(page.site_name, MAX_SITE_NAME),
        image_of(page.image, final_url),
    )


def page_of(text: str) -> Page:
    """What the head of a page says."""
    head = text[:MAX_HEAD]
    if end := _HEAD_ENDS.search(head):
        head = head[: end.start()]
    parser = _Head()
    with suppress(_Enough, AssertionError):  # The parser asserts where a declaration is broken.
        parser.feed(head)
    said = parser.said
    return Page(
        title=said.get("og:title") or "".join(parser.title),
        description=said.get("og:description") or said.get("description", ""),
        site_name=said.get("og:site_name", ""),
        image=said.get("og:image:secure_url") or said.get("og:image", ""),
    )


def cut(text: str, length: int) -> str:
    """The text in one line, without characters that show nothing or turn its direction, and no longer than allowed."""
    line = " ".join(text[: 20 * length].split())
    line = "".join(character for character in line if character.isprintable() or character in _JOINERS)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def image_of(image: str, page_url: str) -> str:
    """The absolute address of a picture; empty unless it is one of https, for everybody."""
    try:
        url = urljoin(page_url, image.strip()) if image.strip() else ""
        parts = urlsplit(url)
        is_fine = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc and parts.port in (None, 443)
    except ValueError:
        return ""
    is_fine = is_fine and len(url) <= MAX_URL and url.isprintable() and not re.search(r"[\s<>\"'`\\]", url)
    return url if is_fine else ""


class _Enough(Exception):
    """No more of the page is looked at."""


class _Head(HTMLParser):
    """Keeps the first of each thing that is said."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: dict[str, str] = {}
        self.title: list[str] = []
        self._in_title = False
        self._pieces = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._count()
        self._in_title = tag == "title" and not self.title
        if tag == "meta":
            values = {name: value or "" for name, value in reversed(attrs)}
            name = (values.get("property") or values.get("name", "")).lower()
            if name and values.get("content"):
                self.said.setdefault(name, values["content"])

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        self._count()
        if self._in_title:
            self.title.append(data)

    def _count(self) -> None:
        self._pieces += 1
        if self._pieces > MAX_PIECES:
            raise _Enough
