"""Who does not want to hear from whom, as the user service says: asked each time, since a block holds at once."""

from collections.abc import Awaitable, Callable, Collection
from itertools import islice

import grpc

from chat.user.v1.block_service_pb2 import CheckContactRequest, CheckContactResponse
from mesh.call.status import from_rpc_error
from mesh.errors import Forbidden

CheckContact = Callable[[CheckContactRequest], Awaitable[CheckContactResponse]]
"""The stub's method. The call carries the token of the request being served."""


class Contacts:
    def __init__(self, check_contact: CheckContact) -> None:
        self._check_contact = check_contact

    async def check(self, user_ids: Collection[str]) -> None:
        """Raises Forbidden (CONTACT_REFUSED) when the caller has blocked one of these users, or they the caller.

        When that cannot be told: Unavailable, or what else the user service raised.
        """
        if not user_ids:
            return
        try:
            response = await self._check_contact(CheckContactRequest(ids=user_ids))
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        if response.refused_ids:
            refused = ",".join(islice(response.refused_ids, 10))
            raise Forbidden(
                "CONTACT_REFUSED", "One of you does not want to hear from the other.", metadata={"user_ids": refused}
            )
