"""Who is removed while others write gets nothing of what comes after: a short run of the acceptance test."""

import grpc
import pytest

from chat.message.v1.search_service_pb2_grpc import SearchServiceStub
from tests.acceptance.removal import run
from tests.e2e.clients import Clients
from tests.e2e.conftest import Server

ROUNDS, SEED = 60, 1


@pytest.mark.timeout(300)
async def test_who_is_removed_gets_nothing_more(clients: Clients, server: Server) -> None:
    """By live feed, socket, history, sync and search; and all of these told them something before."""
    async with grpc.aio.insecure_channel(server.grpc) as channel:
        broken, reads = await run(clients, SearchServiceStub(channel), ROUNDS, SEED)
    assert broken == []
    assert {"live feed", "socket"} <= reads.keys()
