"""The port through which conversations and members are read. Writes go through the journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from mesh.schema import EPOCH
from services.message.conversations.domain import Conversation, Filter, Member
from services.message.messages.domain import Message


@dataclass(frozen=True, slots=True)
class View:
    """A conversation as one of its members sees it, with its first members."""

    conversation: Conversation
    members: Sequence[Member]
    my: Member
    last_message: Message | None
    unread_count: int
    mention_count: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A public channel, and whether the caller is in it."""

    conversation: Conversation
    is_joined: bool


class ConversationStore(Protocol):
    """Every read is for a caller, to whom only the conversations they are in exist."""

    async def get(self, caller: Principal, conversation_id: str) -> View:
        """Raises NotFound (CONVERSATION_NOT_FOUND)."""
        ...

    async def some(self, caller: Principal, conversation_ids: Sequence[str]) -> list[View]:
        """Those of the conversations that the caller is in, in no order."""
        ...

    async def page(
        self,
        caller: Principal,
        place: Place | None,
        limit: int,
        kept: Filter = Filter.ALL,
        now: datetime = EPOCH,
    ) -> Slice[View]:
        """The caller's conversations by descending id, as far as the filter keeps them at a moment.

        The key of a place is `(conversation id,)`.
        """
        ...

    async def channels(self, caller: Principal, q: str, place: Place | None, limit: int) -> Slice[Listed]:
        """The public channels of the caller's workspace that are not archived, by descending id.

        Only those whose names begin with `q`, whatever the case. The key of a place is `(conversation id,)`.
        """
        ...

    async def members(self, caller: Principal, conversation_id: str, place: Place | None, limit: int) -> Slice[Member]:
        """In the order of joining. The key of a place is `(joined_at in ISO 8601, user id)`.

        Raises NotFound (CONVERSATION_NOT_FOUND).
        """
        ...
