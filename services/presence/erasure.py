"""What the user service tells of erased users: nothing is kept of them here either."""

from chat.event.v1.user_events_pb2 import UserErased
from chat.mesh.v1 import options_pb2
from mesh.events.bus import Event
from services.presence.store import PresenceStore

GROUP = "presence"
_OPTION = UserErased.DESCRIPTOR.GetOptions().Extensions[options_pb2.event]
TOPIC = _OPTION.topic


class Erasure:
    """A repeat does no harm."""

    def __init__(self, store: PresenceStore) -> None:
        self._store = store

    async def handle(self, event: Event) -> None:
        if event.headers.get("ce_type") == _OPTION.type:
            await self._store.forget(UserErased.FromString(event.value).user_id)
