"""What the user service tells of blocks: of two who do not want to hear from each other neither writes in their dm."""

from chat.event.v1.user_events_pb2 import UserBlocked
from chat.mesh.v1 import options_pb2
from mesh.events.bus import Event
from services.message.command import Origin
from services.message.conversations.domain import SetBlocked, pair_of
from services.message.writer import Writer

GROUP = "message"
_OPTION = UserBlocked.DESCRIPTOR.GetOptions().Extensions[options_pb2.event]
TOPIC = _OPTION.topic


class Blocks:
    """Keeps the dms of the two in step. A repeat does no harm: each event tells the present state of one direction."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def handle(self, event: Event) -> None:
        if event.headers.get("ce_type") != _OPTION.type:
            return
        told = UserBlocked.FromString(event.value)
        pair = pair_of(told.user_id, told.blocked_id)
        await self._writer.submit(
            SetBlocked(Origin(workspace_id=told.workspace_id), pair, told.user_id, told.is_blocked)
        )
