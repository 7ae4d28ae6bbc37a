"""What sockets ask about presence: `subscribe`, `unsubscribe`, and the announcement `user-online`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import grpc

from chat.message.v1.conversation_service_pb2 import ListMembersRequest
from chat.message.v1.conversation_service_pb2_grpc import ConversationServiceStub
from chat.presence.v1 import presence_pb2 as pb
from chat.presence.v1.presence_service_pb2 import BatchGetPresencesRequest
from chat.presence.v1.presence_service_pb2_grpc import PresenceServiceStub
from facade.presence.audience import MAX_WATCHED, Audience, Receiver
from facade.presence.heartbeat import Heartbeat
from mesh.call.correlation import METADATA_KEY
from mesh.call.status import answer_of
from mesh.errors import Cancelled, Error, Invalid, Unavailable, Violation, WrongState

EVENTS: Final = ("subscribe", "unsubscribe", "user-online")
MAX_CONVERSATIONS: Final = 20
MAX_MEMBERS: Final = 200
MAX_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Call:
    """The event being answered: whose token it is made with, and what it is called."""

    token: str
    correlation_id: str

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return ("authorization", f"Bearer {self.token}"), (METADATA_KEY, self.correlation_id)


Answer = Callable[[Receiver, Call, Mapping[str, Any]], Awaitable[dict[str, Any]]]


class PresenceEvents:
    """Answers EVENTS. `encode` shows a presence as JSON."""

    def __init__(
        self,
        channel_for: Callable[[str], grpc.aio.Channel],
        audience: Audience,
        heartbeat: Heartbeat,
        encode: Callable[[pb.Presence], dict[str, Any]],
    ) -> None:
        self._presences = PresenceServiceStub(channel_for("presence"))
        self._conversations = ConversationServiceStub(channel_for("message"))
        self._audience, self._heartbeat, self._encode = audience, heartbeat, encode
        answers: Sequence[Answer] = (self._subscribe, self._unsubscribe, self._announce)
        self._answers = dict(zip(EVENTS, answers, strict=True))

    async def answer(self, event: str, receiver: Receiver, call: Call, data: Any) -> dict[str, Any]:
        """Raises Invalid (INVALID_REQUEST), WrongState (QUOTA_REACHED), and what the services raise."""
        if data is not None and not isinstance(data, dict):
            raise _broken("", "must be an object")
        return await self._answers[event](receiver, call, data or {})

    async def _subscribe(self, receiver: Receiver, call: Call, data: Mapping[str, Any]) -> dict[str, Any]:
        """`{items, conversations}`: how the users are, and of which conversations only a part is heard of."""
        user_ids = _ids(data, "presence", MAX_WATCHED)
        conversation_ids = _ids(data, "conversation_ids", MAX_CONVERSATIONS)
        if self._audience.room(receiver, user_ids) < 0:
            raise WrongState("QUOTA_REACHED", f"A socket hears of up to {MAX_WATCHED} users. Unsubscribe from some.")
        if self._audience.is_full:
            raise Unavailable("OVERLOADED", "This server watches too many users. Try again.", retry_after_s=1)
        pages = await asyncio.gather(*[self._members(call, id_) for id_ in conversation_ids])
        if not self._heartbeat.holds(receiver):
            raise Cancelled("CANCELLED", "The client went away.")
        self._audience.add(receiver, user_ids)
        asked, conversations = dict.fromkeys(user_ids), []
        for conversation_id, (members, has_more) in zip(conversation_ids, pages, strict=True):
            fitting = self._fitting(receiver, members)
            self._audience.add_members(receiver, conversation_id, fitting)
            asked |= dict.fromkeys(fitting)
            truncated = has_more or len(fitting) < len(members)
            conversations.append({"conversation_id": conversation_id, "truncated": truncated})
        present = await self._present(call, list(asked))
        self._audience.know(receiver, present)
        return {"items": list(map(self._encode, present)), "conversations": conversations}

    async def _unsubscribe(self, receiver: Receiver, call: Call, data: Mapping[str, Any]) -> dict[str, Any]:
        user_ids = _ids(data, "presence", MAX_WATCHED)
        self._audience.remove(receiver, user_ids, _ids(data, "conversation_ids", MAX_WATCHED))
        return {}

    async def _announce(self, receiver: Receiver, call: Call, data: Mapping[str, Any]) -> dict[str, Any]:
        """The device is in use, or with `{away: true}` left alone. That it is connected is known without."""
        away = data.get("away", False)
        if not isinstance(away, bool):
            raise _broken("away", "must be true or false")
        self._heartbeat.mark(receiver, away=away)
        return {}

    def _fitting(self, receiver: Receiver, members: Sequence[str]) -> Sequence[str]:
        surplus = -self._audience.room(receiver, members)
        return members[: len(members) - surplus] if surplus > 0 else members

    async def _members(self, call: Call, conversation_id: str) -> tuple[Sequence[str], bool]:
        """The first members of a conversation, and whether there are more."""
        request = ListMembersRequest(conversation_id=conversation_id, limit=MAX_MEMBERS)
        page = await answer_of(self._conversations.ListMembers(request, metadata=call.metadata))
        return [member.user.id for member in page.items], page.page.has_more

    async def _present(self, call: Call, user_ids: Sequence[str]) -> list[pb.Presence]:
        """How users are. Whoever can be told nothing of is `unknown`, as is everybody while nothing answers."""
        batches = [user_ids[start : start + MAX_BATCH] for start in range(0, len(user_ids), MAX_BATCH)]
        found = await asyncio.gather(*[self._batch(call, batch) for batch in batches])
        return [presence for batch in found for presence in batch]

    async def _batch(self, call: Call, user_ids: Sequence[str]) -> Sequence[pb.Presence]:
        request = BatchGetPresencesRequest(ids=user_ids)
        try:
            answer = await answer_of(self._presences.BatchGetPresences(request, metadata=call.metadata))
        except Error as error:
            if not error.retryable or error.reason == "RATE_LIMITED":
                raise
            return [pb.Presence(user_id=id_, state=pb.PRESENCE_STATE_UNKNOWN) for id_ in user_ids]
        return answer.items


def _ids(data: Mapping[str, Any], name: str, most: int) -> list[str]:
    """The ids that a field lists, each once. Raises Invalid (INVALID_REQUEST)."""
    listed = data.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(id_, str) for id_ in listed):
        raise _broken(name, "must be a list of ids")
    ids = list(dict.fromkeys(listed))
    if len(ids) > most:
        raise _broken(name, f"must be up to {most} ids")
    for id_ in ids:
        try:
            UUID(id_)
        except ValueError:
            raise _broken(name, "must be a list of ids") from None
    return ids


def _broken(field: str, detail: str) -> Invalid:
    path = f"/{field}" if field else ""
    message = f"{field or 'The data'} {detail}."
    return Invalid("INVALID_REQUEST", message, violations=[Violation(path, "event.shape", detail)])
