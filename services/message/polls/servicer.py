"""PollService: writing goes to the writer, reading to the store."""

from chat.message.v1 import poll_service_pb2 as pb
from chat.message.v1 import poll_service_pb2_grpc as rpc
from mesh.call.context import caller
from services.message.calls import origin
from services.message.messages.domain import Message
from services.message.messages.wire import poll_proto, poll_state_proto
from services.message.polls.domain import ClosePoll, Vote
from services.message.polls.store import PollStore
from services.message.writer import Writer


class PollServicer(rpc.PollServiceServicer):
    """Each write is one command; its answer means that it is on disk."""

    def __init__(self, store: PollStore, writer: Writer) -> None:
        self._store = store
        self._writer = writer

    async def GetPoll(self, request: pb.GetPollRequest, context: object) -> pb.GetPollResponse:
        choice = await self._store.get(caller(), request.message_id)
        return pb.GetPollResponse(poll=poll_proto(choice.poll), option_ids=choice.option_ids)

    async def Vote(self, request: pb.VoteRequest, context: object) -> pb.VoteResponse:
        command = Vote(origin(), request.message_id, tuple(request.option_ids))
        message: Message = await self._writer.submit(command)
        return pb.VoteResponse(state=poll_state_proto(message))

    async def ClosePoll(self, request: pb.ClosePollRequest, context: object) -> pb.ClosePollResponse:
        message: Message = await self._writer.submit(ClosePoll(origin(), request.message_id))
        return pb.ClosePollResponse(state=poll_state_proto(message))
