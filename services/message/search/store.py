"""The port of the search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mesh.identity.principal import Principal
from services.message.messages.domain import Message
from services.message.search.domain import Question


@dataclass(frozen=True, slots=True)
class Found:
    """A message, and the number that finds are ordered by: higher is later."""

    id: int
    message: Message


@dataclass(frozen=True, slots=True)
class Finds:
    """The latest first. `indexing` when something that the caller may read cannot be found yet."""

    items: Sequence[Found]
    has_next: bool
    indexing: bool


class SearchStore(Protocol):
    async def find(self, caller: Principal, question: Question, before: int | None, limit: int) -> Finds:
        """What the caller may read now of what matches, before the find of that number; the latest when None."""
        ...
