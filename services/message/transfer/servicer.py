"""TransferService: whole conversations out, and messages of other systems in, a page at a time."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from chat.message.v1 import transfer_service_pb2 as pb
from chat.message.v1 import transfer_service_pb2_grpc as rpc
from mesh.call.context import caller
from mesh.errors import Invalid
from mesh.identity.principal import Principal
from mesh.moment import read_moment
from mesh.page import Place
from mesh.policy.validation import validate
from services.message.calls import origin
from services.message.conversations.store import ConversationStore
from services.message.conversations.wire import conversation_proto, member_proto
from services.message.feed.relay import Live
from services.message.feed.streams import check_session
from services.message.messages.domain import Format
from services.message.messages.markdown import render
from services.message.messages.store import MessageStore
from services.message.messages.wire import message_proto, profile_ids
from services.message.transfer import domain
from services.message.transfer.domain import Imported, ImportedSoFar, ImportMessages
from services.message.transfer.store import Heads, TransferStore

PAGE: Final = 100


class TransferServicer(rpc.TransferServiceServicer):
    """Whoever loses the right to it meanwhile gets no further page."""

    def __init__(
        self,
        store: TransferStore,
        conversations: ConversationStore,
        messages: MessageStore,
        live: Live,
        *,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._messages = messages
        self._live = live
        self._new_id = new_id

    async def ExportConversation(
        self, request: pb.ExportConversationRequest, context: object
    ) -> AsyncIterator[pb.ExportConversationResponse]:
        principal, id_ = caller(), request.conversation_id
        heads = await self._store.managed(principal, id_)
        if not request.after_seq:
            async for item in self._about(principal, id_):
                yield item
        told, after = 0, request.after_seq
        while after < heads.last_seq:
            page = await self._managed(principal, id_)
            span = await self._messages.after(principal, id_, after, min(PAGE, heads.last_seq - after))
            if not span.messages:
                break
            await self._live.profiles.load({user_id for m in span.messages for user_id in profile_ids(m)})
            for message in span.messages:
                proto = message_proto(message, self._live.profiles.known)
                yield pb.ExportConversationResponse(message=proto, pos=page.last_pos)
            told, after = told + len(span.messages), span.messages[-1].seq
        yield pb.ExportConversationResponse(end=pb.ExportEnd(messages=told), pos=heads.last_pos)

    async def ImportMessages(
        self, request_iterator: AsyncIterable[pb.ImportMessagesRequest], context: object
    ) -> pb.ImportMessagesResponse:
        frames = aiter(request_iterator)
        target = await _target(frames)
        total, batch = ImportedSoFar(0, 0, 0), list[pb.ImportedMessage]()
        async for frame in frames:
            validate(frame)
            if not frame.HasField("message"):
                raise Invalid("INVALID_REQUEST", "Only the first frame says where to.")
            batch.append(frame.message)
            if len(batch) == PAGE:
                total, batch = await self._written(target, batch, total), []
        total = await self._written(target, batch, total)
        return pb.ImportMessagesResponse(written=total.written, skipped=total.skipped, last_seq=total.last_seq)

    async def _about(self, principal: Principal, id_: str) -> AsyncIterator[pb.ExportConversationResponse]:
        """The conversation and its members, in the order of joining."""
        profiles = self._live.profiles
        view = await self._conversations.get(principal, id_)
        await profiles.load([member.user_id for member in view.members])
        conversation, pos = view.conversation, view.conversation.last_pos
        proto = conversation_proto(conversation, view.members, profiles.known)
        yield pb.ExportConversationResponse(conversation=proto, pos=pos)
        place, more = None, True
        while more:
            heads = await self._managed(principal, id_)
            found = await self._conversations.members(principal, id_, place, PAGE)
            await profiles.load([member.user_id for member in found.items])
            for member in found.items:
                yield pb.ExportConversationResponse(member=member_proto(member, profiles.known), pos=heads.last_pos)
            more = found.has_next
            if more:
                last = found.items[-1]
                place = Place((last.joined_at.isoformat(), last.user_id), back=False)

    async def _managed(self, principal: Principal, id_: str) -> Heads:
        check_session(self._live, principal)
        return await self._store.managed(principal, id_)

    async def _written(self, target: str, batch: Sequence[pb.ImportedMessage], total: ImportedSoFar) -> ImportedSoFar:
        """The total with one more batch, which is on disk then."""
        check_session(self._live, caller())
        now = datetime.fromtimestamp(self._live.clock(), UTC)
        items = tuple(self._imported(message, now) for message in batch)
        await self._live.profiles.require({item.sender_id for item in items})
        done: ImportedSoFar = await self._live.writer.submit(ImportMessages(origin(), target, items))
        return ImportedSoFar(total.written + done.written, total.skipped + done.skipped, done.last_seq)

    def _imported(self, message: pb.ImportedMessage, now: datetime) -> Imported:
        form = Format(message.format or Format.PLAIN)
        created_at = read_moment(message.created_at, "message.created_at")
        domain.check_past(created_at, now)
        return Imported(
            id=self._new_id(),
            external_id=message.external_id,
            sender_id=message.sender_id,
            text=message.text,
            html=render(message.text) if form is Format.MARKDOWN else "",
            format=form,
            created_at=created_at,
        )


async def _target(frames: AsyncIterator[pb.ImportMessagesRequest]) -> str:
    first = await anext(frames, None)
    if first is None or not first.HasField("target"):
        raise Invalid("INVALID_REQUEST", "The first frame says where to: it has `target`.")
    validate(first)
    return first.target.conversation_id
