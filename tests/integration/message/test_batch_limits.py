"""Limits of a batch: each of its messages counts as if it were sent by itself."""

from pathlib import Path

from chat.message.v1 import message_service_pb2 as pb
from mesh.limits.limiter_memory import MemoryLimiter
from mesh.limits.limits import Limits
from mesh.limits.overrides import read
from tests.integration.message.world import open_world

TEXT = "off,send.user=3/h,send.conversation=2/h"


async def test_messages_that_have_to_wait_are_refused_alone(tmp_path: Path, database_url: str) -> None:
    """Whichever account has nothing left; the others are written, and nothing is written of what is refused."""
    async with open_world(tmp_path, database_url, limits=Limits(read(TEXT), MemoryLimiter())) as world:
        anna = world.users.add("anna")
        one, other = [(await world.create(anna)).id for _ in range(2)]
        to = [one, one, one, other, other]
        request = pb.BatchSendMessagesRequest(
            items=[pb.SendMessageRequest(conversation_id=id_, text=str(i)) for i, id_ in enumerate(to)]
        )
        items = (await world.ask(world.messages.BatchSendMessages, request, anna)).items
        refusals = [(item.problem.code, item.problem.retryable, item.problem.retry_after_s > 0) for item in items]
        fine, wait = ("", False, False), ("RATE_LIMITED", True, True)
        assert refusals == [fine, fine, wait, fine, wait]
        listed = pb.ListMessagesRequest(conversation_id=one)
        assert [m.text for m in (await world.ask(world.messages.ListMessages, listed, anna)).items] == ["0", "1"]
