"""The presence service, wired."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from chat.message.v1.conversation_service_pb2_grpc import ConversationServiceStub
from chat.presence.v1.presence_service_pb2_grpc import add_PresenceServiceServicer_to_server
from mesh.background import background
from mesh.service import Mesh, Register, Service
from services.presence.erasure import GROUP, TOPIC, Erasure
from services.presence.servicer import PresenceServicer
from services.presence.store import Bells, PresenceStore
from services.presence.store_memory import MemoryStore
from services.presence.streams import Live, Streams
from services.presence.sweeping import sweep
from services.presence.watching import Watching


@asynccontextmanager
async def open_presence(mesh: Mesh) -> AsyncIterator[Register]:
    watching, streams = Watching(), Streams()

    def lost() -> None:
        streams.reannounce()
        watching.settle()

    members = ConversationServiceStub(mesh.channel("message")).ListMembers
    async with AsyncExitStack() as stack:
        store = await _store(stack, mesh.settings.presence_url, Bells(watching.note, lost))
        await stack.enter_async_context(background(sweep(store), "presence sweep"))
        await stack.enter_async_context(background(watching.run(store), "presence watching"))
        await stack.enter_async_context(mesh.bus.consume(GROUP, [TOPIC], Erasure(store).handle))
        servicer = PresenceServicer(Live(store, watching, mesh.verifier.revocations), streams, members)
        mesh.at_drain(streams.drain)

        def register(server: Any) -> None:
            add_PresenceServiceServicer_to_server(servicer, server)

        yield register


async def _store(stack: AsyncExitStack, url: str, bells: Bells) -> PresenceStore:
    """Raises OSError for a URL that names no Redis."""
    if not url:
        return MemoryStore(bells, clock=lambda: time.time_ns() // 1_000_000)
    from services.presence.store_redis import open_redis

    try:
        return await stack.enter_async_context(open_redis(url, bells))
    except ValueError as error:
        raise OSError(f"CHAT_PRESENCE_URL: {error}") from error


SERVICE = Service("presence", open_presence, groups=[GROUP])
