"""What the index keeps of a message: its words, each with its conversation before it.

So a question is only ever asked of the conversations of who asks: how many others use a word costs nothing.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from mesh.schema import EPOCH
from services.message.messages.domain import Message
from services.message.search.domain import Question, Term, text_of, words

_SLOTS = 1 << 22
_YEAR_2000 = timedelta(days=10957)
_MILLISECOND = timedelta(milliseconds=1)
_MAX_MS = (1 << 41) - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """`wanted_id` is free, or near to one that is: ids are in the order of time, those of a conversation by `seq`."""

    message_id: str
    conversation_id: str
    workspace_id: str
    wanted_id: int
    lexemes: tuple[str, ...]
    """In the order of the text; what is known of the message beside it comes last."""


def entry_of(message: Message) -> Entry:
    scope = scope_of(message.conversation_id)
    lexemes = [f"{scope}w{word.token}" for word in words(text_of(message))]
    lexemes += _marks(scope, message)
    return Entry(message.id, message.conversation_id, message.workspace_id, _wanted_id(message), tuple(lexemes))


def first_id(at: datetime) -> int:
    """No entry of that moment or later has a lower one."""
    milliseconds = (at - EPOCH - _YEAR_2000) // _MILLISECOND
    return max(-_MAX_MS, min(milliseconds, _MAX_MS)) * _SLOTS


def last_id(at: datetime) -> int:
    """No entry of before that moment has a higher one."""
    return first_id(at) + _SLOTS - 1


@lru_cache(maxsize=10_000)
def scope_of(conversation_id: str) -> str:
    """A short name for a conversation. Who reads what was found looks whether it is theirs, should two share one."""
    return hashlib.sha256(conversation_id.encode()).hexdigest()[:10]


def asked_marks(question: Question) -> Iterator[str]:
    """The marks of a question, without the conversation before them."""
    if question.sender_id:
        yield f"s{_name(question.sender_id)}"
    if question.thread_root:
        yield f"t{_name(question.thread_root)}"
    if question.has_attachments:
        yield "a"


def asked_words(term: Term) -> list[str]:
    """The words of a term, without the conversation before them."""
    return [f"w{token}" for token in term.tokens]


def _marks(scope: str, message: Message) -> Iterator[str]:
    yield f"{scope}s{_name(message.sender_id)}"
    if message.thread_root:
        yield f"{scope}t{_name(message.thread_root)}"
    if message.attachments:
        yield f"{scope}a"


@lru_cache(maxsize=10_000)
def _name(id_: str) -> str:
    return hashlib.sha256(id_.encode()).hexdigest()[:16]


def _wanted_id(message: Message) -> int:
    slot = int.from_bytes(hashlib.sha256(message.conversation_id.encode()).digest()[-3:])
    return first_id(message.created_at) + (slot + message.seq) % _SLOTS
