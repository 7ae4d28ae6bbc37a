"""Words of texts and of questions, and the part of a text that shows why it was found. No I/O, no wire format.

A word is a run of letters and digits, compared without case and accents. Chinese, Japanese and Korean are written
without spaces: each of their characters is a word.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from mesh.errors import Invalid, Violation
from services.message.messages.domain import Message

MAX_WORD = 64
"""Characters of a word that count."""
BEFORE, AROUND = 60, 240
"""Characters of a snippet before the first hit, and in all."""

_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_RUN = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")
_QUOTED = re.compile(r'"([^"]*)(?:"|$)|([^\s"]+)')


class Word(NamedTuple):
    """A word as it is compared, and where it stands in its text."""

    token: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other. `is_open` when the last one may go on."""

    tokens: tuple[str, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for: messages that have all of the terms, and pass the filters that are set."""

    terms: tuple[Term, ...]
    conversation_id: str = ""
    sender_id: str = ""
    thread_root: str = ""
    after: datetime | None = None
    before: datetime | None = None
    has_attachments: bool = False
    mentions_me: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a snippet, and whether it is what was looked for."""

    text: str
    is_hit: bool


def words(text: str) -> Iterator[Word]:
    for match in _RUN.finditer(text):
        if token := _folded(match.group()):
            yield Word(token, match.start(), match.end())


def terms(q: str) -> tuple[Term, ...]:
    """What a question asks for. Raises Invalid (QUERY_EMPTY) when that is nothing."""
    found: dict[Term, None] = {}
    for match in _QUOTED.finditer(_normal(q)):
        quoted, plain = match.groups()
        tokens = tuple(word.token for word in words(quoted or plain or ""))
        if tokens:
            found[Term(tokens, is_open=plain is not None)] = None
    if not found:
        detail = "must have a letter or a digit"
        raise Invalid("QUERY_EMPTY", f"q {detail}.", violations=[Violation("q", "search_messages.word", detail)])
    return tuple(found)


def text_of(message: Message) -> str:
    """All that a message says."""
    asked = (message.poll.question, *(option.text for option in message.poll.options)) if message.poll else ()
    parts = (message.text, message.forwarded.text if message.forwarded else "", *asked)
    return _normal("\n".join(filter(None, parts)))


def passes(message: Message, question: Question) -> bool:
    """Whether a message is where, and exactly of when, it is asked for."""
    if question.conversation_id not in ("", message.conversation_id):
        return False
    is_late = question.before is not None and message.created_at >= question.before
    return not is_late and (question.after is None or message.created_at >= question.after)


def snippet(text: str, asked: Sequence[Term]) -> list[Piece]:
    """The part of a text around the first hit, in pieces, cut where a word ends."""
    there = list(words(text))
    hits = sorted(set(_hits(there, asked)))
    first = there[hits[0]].start if hits else 0
    start = max((word.start for word in there if word.start <= max(first - BEFORE, 0)), default=0)
    start = start if first > BEFORE else 0
    end = _end(there, text, start)
    pieces: list[Piece] = []
    at = start
    for word in (there[i] for i in hits):
        if word.start < start or word.end > end:
            continue
        pieces += [Piece(text[at : word.start], False)] if at < word.start else []
        pieces.append(Piece(text[word.start : word.end], True))
        at = word.end
    return [*pieces, Piece(text[at:end], False)] if at < end else pieces


def _hits(there: Sequence[Word], asked: Sequence[Term]) -> Iterator[int]:
    for term in asked:
        length = len(term.tokens)
        for i in range(len(there) - length + 1):
            *before, last = [word.token for word in there[i : i + length]]
            ends = last.startswith(term.tokens[-1]) if term.is_open else last == term.tokens[-1]
            if ends and tuple(before) == term.tokens[:-1]:
                yield from range(i, i + length)


def _end(there: Sequence[Word], text: str, start: int) -> int:
    if len(text) - start <= AROUND:
        return len(text)
    return max((word.end for word in there if start < word.end <= start + AROUND), default=start + AROUND)


def _normal(text: str) -> str:
    """With each accented letter as one character, where there is one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@lru_cache(maxsize=20_000)
def _folded(word: str) -> str:
    if word.isascii():
        return word.lower()[:MAX_WORD]
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", word).casefold())
    return "".join(character for character in folded if character.isalnum())[:MAX_WORD]
