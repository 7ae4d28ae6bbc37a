"""The port through which the logs of changes are read. They are written through the journal."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from mesh.identity.principal import Principal
from services.message.feed.domain import Change, Place


class FeedStore(Protocol):
    """Logs never change behind their heads; only messages are told in their present state."""

    async def heads(self, caller: Principal) -> Place:
        """Where the logs of the caller and of all their conversations stand."""
        ...

    async def joined(self, caller: Principal, after: int, upto: int) -> set[str]:
        """Which conversations the caller's own log says were joined after `after`, up to `upto`."""
        ...

    async def changes(self, caller: Principal, places: Sequence[tuple[str, int]]) -> list[Change]:
        """The changes at these places `(conversation id, pos)`, in the same order.

        The places lie between others of the caller and the heads: who may read what was decided with those.
        """
        ...

    async def user_changes(self, caller: Principal, after: int, upto: int) -> list[Change]:
        """The caller's own changes after `after`, up to `upto`, in order."""
        ...

    async def last_seqs(self, caller: Principal, conversation_ids: Sequence[str]) -> dict[str, int]:
        """By id, the number of the last message of those conversations that the caller is in now."""
        ...

    async def is_member(self, caller: Principal, conversation_id: str) -> bool: ...

    async def further(
        self, positions: Mapping[str, int], user_positions: Mapping[str, int]
    ) -> tuple[dict[str, int], dict[str, int]]:
        """Where those logs stand that go further than the places given: of conversations, then of users, by id.

        Not for callers, but for what carries their logs: nobody's rights are asked for.
        """
        ...

    async def memberships(self, user_ids: Sequence[str]) -> dict[str, tuple[int, set[str]]]:
        """By user, the conversations that they are in, and the place in their own log that this is as of, at least."""
        ...
