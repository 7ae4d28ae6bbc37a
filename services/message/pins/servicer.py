"""PinService: writing goes to the writer, reading to the store."""

from chat.message.v1 import pin_service_pb2 as pb
from chat.message.v1 import pin_service_pb2_grpc as rpc
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, cut, limit_of
from services.message.calls import origin
from services.message.pins.domain import Pin, PinMessage, UnpinMessage
from services.message.pins.store import PinStore
from services.message.pins.wire import pin_proto, shown_ids
from services.message.profiles import Profiles
from services.message.writer import Writer


class PinServicer(rpc.PinServiceServicer):
    """Each write is one command; its answer means that it is on disk."""

    def __init__(self, store: PinStore, writer: Writer, profiles: Profiles, *, cursors: CursorCodec) -> None:
        self._store = store
        self._writer = writer
        self._profiles = profiles
        self._cursors = cursors

    async def PinMessage(self, request: pb.PinMessageRequest, context: object) -> pb.PinMessageResponse:
        pin: Pin = await self._writer.submit(PinMessage(origin(), request.message_id))
        await self._profiles.load(shown_ids(pin))
        return pb.PinMessageResponse(pin=pin_proto(pin, self._profiles.known))

    async def UnpinMessage(self, request: pb.UnpinMessageRequest, context: object) -> pb.UnpinMessageResponse:
        await self._writer.submit(UnpinMessage(origin(), request.message_id))
        return pb.UnpinMessageResponse()

    async def ListPins(self, request: pb.ListPinsRequest, context: object) -> pb.ListPinsResponse:
        limit = limit_of(request.limit)
        cursors = Cursors[pb.Pin](
            self._cursors,
            f"ListPins:{request.conversation_id}",
            lambda pin: (pin.pinned_at.ToJsonString(), pin.message.id),
        )
        place = cursors.place(request.cursor)
        found = await self._store.page(caller(), request.conversation_id, place, limit)
        await self._profiles.load({user_id for pin in found.items for user_id in shown_ids(pin)})
        protos = [pin_proto(pin, self._profiles.known) for pin in found.items]
        shown = cut(found, protos, place)
        return pb.ListPinsResponse(items=shown.items, page=cursors.page(shown, limit))
