"""Bad input over gRPC: one row a call, with the code and the reason that it gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from chat.message.v1 import conversation_service_pb2 as conversations
from chat.message.v1 import feed_service_pb2 as feed
from chat.message.v1 import message_service_pb2 as messages
from chat.user.v1 import account_service_pb2 as accounts

SEND, LIST = "/chat.message.v1.MessageService/SendMessage", "/chat.message.v1.MessageService/ListMessages"
SUBSCRIBE, RELAY = "/chat.message.v1.FeedService/Subscribe", "/chat.message.v1.FeedService/Relay"
CREATE = "/chat.message.v1.ConversationService/CreateConversation"
ME, BATCH = "/chat.user.v1.AccountService/GetMe", "/chat.user.v1.AccountService/BatchGetUsers"
HELLO = {"conversation_id": "$group", "text": "hello"}


@dataclass(frozen=True, slots=True)
class Row:
    """`request` is bytes, or a message with these `fields`. `names` are fields that the answer must name."""

    name: str
    method: str
    request: bytes | type[Message]
    code: str
    reason: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    who: str = "owner"
    metadata: Sequence[tuple[str, str | bytes]] = ()
    names: Sequence[str] = ()


def send(name: str, code: str, reason: str, names: Sequence[str] = (), who: str = "owner", **fields: Any) -> Row:
    """A row that sends a message which would be good without `fields`."""
    return Row(name, SEND, messages.SendMessageRequest, code, reason, {**HELLO, **fields}, who, names=names)


ROWS = [
    Row("garbage for a request", SEND, b"\xff\xff\xff\xff", "INVALID_ARGUMENT", "INVALID_REQUEST"),
    Row("truncated request", SEND, b"\x0a\x7fabc", "INVALID_ARGUMENT", "INVALID_REQUEST"),
    Row("string not in UTF-8", SEND, b"\x1a\x02\xff\xfe", "INVALID_ARGUMENT", "INVALID_REQUEST"),
    Row("garbage to subscribe", SUBSCRIBE, b"\xff\xff\xff\xff", "INVALID_ARGUMENT", "INVALID_REQUEST"),
    Row("garbage to relay", RELAY, b"\xff\xff\xff\xff", "INVALID_ARGUMENT", "INVALID_REQUEST"),
    Row("nothing", SEND, b"", "INVALID_ARGUMENT", "INVALID_REQUEST", names=["conversation_id", ""]),
    Row("fields of another contract", SEND, accounts.RegisterRequest, "INVALID_ARGUMENT", "INVALID_REQUEST",
        {"username": "$group", "email": "x"}),
    Row("larger than 4 MiB", SEND, b"\x1a" + b"\x80\x80\x80\x03" + b"x" * (6 << 20), "RESOURCE_EXHAUSTED", ""),
    send("huge text over gRPC", "INVALID_ARGUMENT", "INVALID_REQUEST", ["text"], text="x" * 10_001),
    send("NUL over gRPC", "INVALID_ARGUMENT", "INVALID_REQUEST", ["text"], text="a\0"),
    send("id that is none over gRPC", "INVALID_ARGUMENT", "INVALID_REQUEST", ["conversation_id"], conversation_id="x"),
    send("odd metadata over gRPC", "INVALID_ARGUMENT", "INVALID_REQUEST", ['metadata["a\\"]"]'],
         metadata={'a"]': "x" * 501}),
    send("not a member over gRPC", "NOT_FOUND", "CONVERSATION_NOT_FOUND", who="outsider"),
    send("guest over gRPC", "PERMISSION_DENIED", "ROLE_TOO_LOW", who="guest"),
    send("conflict over gRPC", "ALREADY_EXISTS", "CLIENT_MSG_ID_CONFLICT", client_msg_id="first"),
    send("reply to nothing over gRPC", "NOT_FOUND", "REPLY_NOT_FOUND", reply_to="$nobody"),
    Row("deleted over gRPC", "/chat.message.v1.MessageService/EditMessage", messages.EditMessageRequest,
        "FAILED_PRECONDITION", "MESSAGE_DELETED", {"id": "$deleted", "text": "x"}),
    Row("last owner over gRPC", "/chat.message.v1.ConversationService/LeaveConversation",
        conversations.LeaveConversationRequest, "FAILED_PRECONDITION", "LAST_OWNER", {"id": "$group"}),
    Row("enum from the future", CREATE, conversations.CreateConversationRequest, "INVALID_ARGUMENT",
        "INVALID_REQUEST", {"type": 99}, names=["type"]),
    Row("hundreds of faults", CREATE, conversations.CreateConversationRequest, "INVALID_ARGUMENT", "INVALID_REQUEST",
        {"type": 2, "member_ids": [str(n) for n in range(100)]}, names=["member_ids[0]"]),
    Row("places of nothing", SUBSCRIBE, feed.SubscribeRequest, "INVALID_ARGUMENT", "INVALID_REQUEST",
        {"positions": {"ж" * 200 + str(n): -1 for n in range(500)}}),
    Row("subscribed from ahead", SUBSCRIBE, feed.SubscribeRequest, "INVALID_ARGUMENT", "POSITION_AHEAD",
        {"user_pos": 10_000}, names=["user_pos"]),
    Row("negative limit over gRPC", LIST, messages.ListMessagesRequest, "INVALID_ARGUMENT", "INVALID_REQUEST",
        {"conversation_id": "$group", "limit": -1}, names=["limit"]),
    Row("before and after over gRPC", LIST, messages.ListMessagesRequest, "INVALID_ARGUMENT", "INVALID_REQUEST",
        {"conversation_id": "$group", "before_seq": 1, "after_seq": 1}),
    Row("tampered cursor over gRPC", LIST, messages.ListMessagesRequest, "INVALID_ARGUMENT", "CURSOR_INVALID",
        {"conversation_id": "$group", "cursor": "$cursor_tampered"}),
    Row("cursor of another list over gRPC", LIST, messages.ListMessagesRequest, "INVALID_ARGUMENT", "CURSOR_MISMATCH",
        {"conversation_id": "$group", "cursor": "$cursor_of_other"}),
    Row("no ids over gRPC", BATCH, accounts.BatchGetUsersRequest, "INVALID_ARGUMENT", "INVALID_REQUEST", names=["ids"]),
    Row("unknown method", "/chat.message.v1.MessageService/Explode", b"", "UNIMPLEMENTED", ""),
    Row("unknown service", "/chat.nothing.v1.NothingService/Do", b"", "UNIMPLEMENTED", ""),
    Row("method without a name", "/", b"", "UNIMPLEMENTED", ""),
    Row("no token over gRPC", ME, b"", "UNAUTHENTICATED", "TOKEN_MISSING", who=""),
    Row("no token to subscribe", SUBSCRIBE, b"", "UNAUTHENTICATED", "TOKEN_MISSING", who=""),
    Row("another scheme over gRPC", ME, b"", "UNAUTHENTICATED", "TOKEN_INVALID", who="",
        metadata=[("authorization", "Basic YTpi")]),
    Row("binary token", ME, b"", "UNAUTHENTICATED", "TOKEN_MISSING", who="", metadata=[("authorization-bin", b"\xff")]),
    *[
        Row(f"{name.replace('_', ' ')} over gRPC", ME, b"", "UNAUTHENTICATED",
            "TOKEN_EXPIRED" if name == "expired" else "TOKEN_INVALID", who=name)
        for name in ("garbage", "expired", "foreign", "unknown_key", "alg_none", "wrong_audience", "huge", "refresh")
    ],
    Row("metadata too large", ME, b"", "RESOURCE_EXHAUSTED", "", metadata=[("x-noise", "x" * 40_000)]),
]  # fmt: skip
