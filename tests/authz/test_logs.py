"""Every write leaves a row in a log: that is what feeds, the bus and clients that were away learn of it by."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import NullPool, create_engine, select

from chat.message.v1 import ban_service_pb2 as bans
from chat.message.v1 import conversation_service_pb2 as conversations
from chat.message.v1 import draft_service_pb2 as drafts
from chat.message.v1 import message_service_pb2 as messages
from chat.message.v1 import transfer_service_pb2 as transfer
from chat.message.v1.transfer_service_pb2_grpc import TransferServiceStub
from facade.descriptors import Method
from services.message.tables import changes, user_changes
from tests.acceptance.postgres import database_settings
from tests.authz.cast import Actor, Cast
from tests.authz.samples import SAMPLES, Sample
from tests.authz.stage import Stage
from tests.authz.test_matrix import name_of
from tests.authz.wire import METHODS, Wire, short
from tests.contract.databases import POSTGRES
from tests.e2e.conftest import Server, start

NO_SIDE_EFFECTS = 1
ELSEWHERE: Mapping[str, str] = {
    "StartTyping": "is only told live",
    "StopTyping": "is only told live",
    "Relay": "carries the calls of others, which are tried alone",
    "Follow": "tells, and changes nothing",
    "Chat": "carries the calls of others, which are tried alone",
    "ImportMessages": "says what to write in further frames; it has a test of its own below",
}
"""Methods that may change something and write to no log themselves."""
BEFORE: Mapping[str, tuple[str, Sample]] = {
    "AddMembers": ("ConversationService/RemoveMember", SAMPLES["message.v1.ConversationService/RemoveMember"]),
    "UnarchiveConversation": (
        "ConversationService/ArchiveConversation",
        SAMPLES["message.v1.ConversationService/ArchiveConversation"],
    ),
    "UnbanUser": (
        "BanService/BanUser",
        lambda s: bans.BanUserRequest(conversation_id=s.group, user_id=s.newcomer.id),
    ),
    "RestoreVersion": ("MessageService/EditMessage", SAMPLES["message.v1.MessageService/EditMessage"]),
    "RemoveReaction": ("ReactionService/AddReaction", SAMPLES["message.v1.ReactionService/AddReaction"]),
    "UnpinMessage": ("PinService/PinMessage", SAMPLES["message.v1.PinService/PinMessage"]),
    "DeleteBookmark": ("BookmarkService/PutBookmark", SAMPLES["message.v1.BookmarkService/PutBookmark"]),
    "DeleteDraft": ("DraftService/SaveDraft", lambda s: drafts.SaveDraftRequest(conversation_id=s.group, text="text")),
    "MarkUnread": (
        "ConversationService/MarkRead",
        lambda s: conversations.MarkReadRequest(conversation_id=s.group, seq=1),
    ),
    "MarkThreadRead": (
        "MessageService/SendMessage",
        lambda s: messages.SendMessageRequest(conversation_id=s.group, text="text", thread_root=s.message),
    ),
}
"""What has to be done first, so that there is something to change."""

Logged = Callable[[str], list[str]]


def is_write(method: Method) -> bool:
    return method.descriptor.GetOptions().idempotency_level != NO_SIDE_EFFECTS


WRITES = [
    path
    for path, method in METHODS.items()
    if path.startswith("/chat.message.v1.") and is_write(method) and short(method) not in ELSEWHERE
]


@pytest.fixture(scope="module")
def databases() -> Iterator[Mapping[str, str]]:
    with database_settings(bool(POSTGRES)) as settings:
        yield settings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, databases: Mapping[str, str]) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("logs") / "data", **databases)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def logged(server: Server, databases: Mapping[str, str]) -> Iterator[Logged]:
    """The types of the changes that a call made, by its correlation id."""
    url = databases.get("CHAT_MESSAGES_URL") or f"sqlite:///{server.data / 'message.db'}"
    engine = create_engine(url, poolclass=NullPool)

    def types(correlation_id: str) -> list[str]:
        with engine.connect() as connection:
            return [
                kind
                for log in (changes, user_changes)
                for kind in connection.scalars(select(log.c.type).where(log.c.correlation_id == correlation_id))
            ]

    yield types
    engine.dispose()


def test_exceptions_are_writes() -> None:
    """Nothing is excused that is gone, or only reads."""
    writes = {short(method) for path, method in METHODS.items() if "message.v1" in path and is_write(method)}
    assert {*ELSEWHERE, *BEFORE} <= writes


@pytest.mark.parametrize("path", WRITES, ids=name_of)
def test_a_write_stands_in_a_log(path: str, cast: Cast, logged: Logged) -> None:
    """By one of those who may make the call, and have something to change by it."""
    people = (cast.author, cast.owner, cast.boss, cast.outsider)
    assert any(_types(path, actor, cast, logged) for actor in people)


def test_an_import_stands_in_a_log(server: Server, cast: Cast, logged: Logged) -> None:
    """Message by message, as if each had been sent."""
    stage, correlation_id = Stage(cast), str(uuid4())
    message = transfer.ImportedMessage(external_id="1", sender_id=cast.author.id, text="text", created_at=Timestamp())
    target = transfer.ImportTarget(conversation_id=stage.group)
    frames = [transfer.ImportMessagesRequest(target=target), transfer.ImportMessagesRequest(message=message)]
    path = "/chat.message.v1.TransferService/ImportMessages"
    with grpc.insecure_channel(server.grpc) as channel:
        stub: Any = TransferServiceStub(channel)
        metadata = (*cast.boss.metadata(path), ("x-correlation-id", correlation_id))
        stub.ImportMessages(iter(frames), metadata=metadata, timeout=20)
    assert logged(correlation_id) == ["message-new"]


def _types(path: str, actor: Actor, cast: Cast, logged: Logged) -> list[str]:
    stage, wire = Stage(cast), cast._wire
    assert stage.message
    if before := BEFORE.get(short(METHODS[path])):
        cast.call(actor, f"/chat.message.v1.{before[0]}", before[1](stage))
    correlation_id = str(uuid4())
    request = SAMPLES[name_of(path)](stage)
    assert isinstance(wire, Wire)
    wire.call(METHODS[path], request, (*actor.metadata(path), ("x-correlation-id", correlation_id)))
    return logged(correlation_id)
