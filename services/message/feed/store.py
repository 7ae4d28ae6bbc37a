"""The port through which the logs of changes are read. They are written through the journal."""

from collections.abc import Sequence
from typing import Protocol

from services.message.feed.domain import Change, Place


class FeedStore(Protocol):
    """Logs never change behind their heads; only messages are told in their present state."""

    async def heads(self, user_id: str) -> Place:
        """Where the logs of a user and of all their conversations stand."""
        ...

    async def joined(self, user_id: str, after: int, upto: int) -> set[str]:
        """Which conversations the user's own log says were joined after `after`, up to `upto`."""
        ...

    async def changes(self, places: Sequence[tuple[str, int]]) -> list[Change]:
        """The changes at these places `(conversation id, pos)`, in the same order."""
        ...

    async def user_changes(self, user_id: str, after: int, upto: int) -> list[Change]:
        """The user's own changes after `after`, up to `upto`, in order."""
        ...

    async def is_member(self, user_id: str, conversation_id: str) -> bool: ...
