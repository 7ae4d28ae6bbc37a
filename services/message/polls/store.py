"""The port through which polls are read. Writes go through the journal."""

from typing import Protocol

from mesh.identity.principal import Principal
from services.message.polls.domain import Choice


class PollStore(Protocol):
    async def get(self, caller: Principal, message_id: str) -> Choice:
        """A poll with the caller's choice.

        Raises NotFound (MESSAGE_NOT_FOUND, POLL_NOT_FOUND), WrongState (MESSAGE_DELETED).
        """
        ...
