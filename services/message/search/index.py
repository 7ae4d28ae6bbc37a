"""The port of the index: what is not in it yet, and how it gets there."""

from collections.abc import Sequence
from typing import Protocol

Key = tuple[str, str]
"""Workspace id and conversation id."""


class Index(Protocol):
    """It follows the logs of conversations, and knows how far it has come in each."""

    async def dirty(self, after: str, limit: int) -> Sequence[Key]:
        """Up to `limit` conversations whose logs are not in the index to their ends, by ascending id after `after`."""
        ...

    async def advance(self, keys: Sequence[Key]) -> Sequence[Key]:
        """Takes in the next changes of some conversations, about as many as fit; those of which more are left."""
        ...
