"""Who does not want to hear from whom, as the user service says: asked each time, since a block holds at once."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import chain

from chat.user.v1.block_service_pb2 import CheckContactRequest, CheckContactResponse
from mesh.call.status import answer_of
from mesh.errors import Forbidden

MAX_BATCH = 100

CheckContact = Callable[[CheckContactRequest], Awaitable[CheckContactResponse]]
"""The stub's method. The call carries the token of the request being served."""


class Contacts:
    def __init__(self, check_contact: CheckContact) -> None:
        self._check_contact = check_contact

    async def check(self, user_ids: Collection[str]) -> None:
        """Raises Forbidden (CONTACT_REFUSED) when the caller has blocked one of these users, or they the caller.

        When that cannot be told: Unavailable, or what else the user service raised.
        """
        ids = list(user_ids)
        batches = [self._refused(ids[start : start + MAX_BATCH]) for start in range(0, len(ids), MAX_BATCH)]
        refused = list(chain.from_iterable(await asyncio.gather(*batches)))
        if refused:
            raise Forbidden(
                "CONTACT_REFUSED",
                "One of you does not want to hear from the other.",
                metadata={"user_ids": ",".join(refused[:10])},
            )

    async def _refused(self, ids: Sequence[str]) -> Sequence[str]:
        response = await answer_of(self._check_contact(CheckContactRequest(ids=ids)))
        return response.refused_ids
