"""BlockService: whom a user does not want to hear from."""

from collections.abc import Callable
from datetime import datetime

from chat.user.v1 import block_service_pb2 as pb
from chat.user.v1.block_service_pb2_grpc import BlockServiceServicer
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, Place, limit_of
from mesh.schema import EPOCH, MICROSECOND
from services.user.accounts.wire import to_user
from services.user.blocks.domain import Block, refuse_oneself
from services.user.blocks.store import BlockStore


class BlockServicer(BlockServiceServicer):
    def __init__(self, blocks: BlockStore, cursors: CursorCodec, *, clock: Callable[[], datetime]) -> None:
        self._blocks = blocks
        self._cursors = cursors
        self._clock = clock

    async def BlockUser(self, request: pb.BlockUserRequest, context: object) -> pb.BlockUserResponse:
        refuse_oneself(caller().user_id, request.id)
        await self._blocks.add(caller().workspace_id, caller().user_id, request.id, self._clock())
        return pb.BlockUserResponse()

    async def UnblockUser(self, request: pb.UnblockUserRequest, context: object) -> pb.UnblockUserResponse:
        await self._blocks.remove(caller().workspace_id, caller().user_id, request.id, self._clock())
        return pb.UnblockUserResponse()

    async def ListBlocks(self, request: pb.ListBlocksRequest, context: object) -> pb.ListBlocksResponse:
        workspace_id, user_id, limit, now = (
            caller().workspace_id,
            caller().user_id,
            limit_of(request.limit),
            self._clock(),
        )
        cursors = Cursors[Block](self._cursors, f"ListBlocks:{user_id}", _key)
        found = await self._blocks.page(workspace_id, user_id, _moment(cursors.place(request.cursor)), limit)
        users = [to_user(block.account, now) for block in found.items]
        return pb.ListBlocksResponse(items=users, page=cursors.page(found, limit))

    async def CheckContact(self, request: pb.CheckContactRequest, context: object) -> pb.CheckContactResponse:
        refused = await self._blocks.refused(caller().workspace_id, caller().user_id, request.ids)
        return pb.CheckContactResponse(refused_ids=refused)


def _key(block: Block) -> tuple[int, str]:
    return (block.created_at - EPOCH) // MICROSECOND, block.account.id


def _moment(place: Place | None) -> Place | None:
    """The place as the store knows it: cursors hold numbers, not moments."""
    return None if place is None else Place((EPOCH + place.key[0] * MICROSECOND, place.key[1]), place.back)
