"""What is said of requests that break the rules of their contract."""

from typing import Any

import protovalidate
import pytest
from google.protobuf import struct_pb2
from google.protobuf.message import Message

from chat.message.v1.conversation_pb2 import CONVERSATION_TYPE_GROUP
from chat.message.v1.conversation_service_pb2 import CreateConversationRequest
from chat.message.v1.feed_service_pb2 import Attached, ChatRequest, RelayEntry, RelayRequest, SyncRequest
from chat.message.v1.message_service_pb2 import BatchSendMessagesRequest, ListMessagesRequest, SendMessageRequest
from mesh.errors import Invalid, Violation
from mesh.policy.validation import MAX_VIOLATIONS, has_rules, validate

ID = "0192f0c1-2b3a-7c4d-8e5f-0123456789ab"


def violations(message: Message) -> tuple[Violation, ...]:
    with pytest.raises(Invalid) as caught:
        validate(message)
    assert caught.value.reason == "INVALID_REQUEST"
    return caught.value.violations


@pytest.mark.parametrize(
    ("kind", "ruled"),
    [
        (SendMessageRequest, True),
        (BatchSendMessagesRequest, True),
        (ChatRequest, True),
        (Attached, False),
        (RelayRequest, False),
    ],
)
def test_rules_are_found_at_any_depth(kind: type[Message], ruled: bool) -> None:
    """Messages are looked at only where there may be something to find."""
    descriptor: Any = kind.DESCRIPTOR
    assert has_rules(descriptor) == ruled


def test_nothing_without_rules_could_break_one() -> None:
    """What is left out is what the library has nothing to say to, whatever stands in it."""
    held: Any = struct_pb2.Struct.DESCRIPTOR  # Holds itself.
    assert not has_rules(held)
    assert not protovalidate.collect_violations(RelayRequest(entries=[RelayEntry()]))


def test_a_rule_of_the_whole_request_names_no_field() -> None:
    """The rule says by itself which fields it is about."""
    broken = violations(ListMessagesRequest(conversation_id=ID, before_seq=1, after_seq=1))
    assert [(v.field, v.code) for v in broken] == [("", "list_messages.one_place")]


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("plain", 'metadata["plain"]'),
        ("it's", """metadata["it's"]"""),
        ('a"b', r'metadata["a\"b"]'),
        ("a\\b\x01", r'metadata["a\\b\u0001"]'),
        ("k" * 65, f'metadata["{"k" * 64}…"]'),
    ],
    ids=["plain", "quote", "double-quote", "control", "long"],
)
def test_keys_of_maps_are_named_as_json(key: str, field: str) -> None:
    """Whoever reads the path can undo the quoting, whatever the caller chose as a key; a long one is cut."""
    request = SendMessageRequest(conversation_id=ID, text="x", metadata={key: "x" * 501})
    assert {v.field for v in violations(request)} == {field}


def test_indexes_of_lists_are_numbers() -> None:
    """The third item is `[2]`."""
    request = CreateConversationRequest(type=CONVERSATION_TYPE_GROUP, member_ids=[ID, ID[:-1] + "c", "x"])
    assert [v.field for v in violations(request)] == ["member_ids[2]"]


def test_no_more_is_named_than_fits() -> None:
    """A request with ten thousand faults is answered with the first few."""
    assert len(violations(SyncRequest(positions={str(n): n for n in range(10_000)}))) == MAX_VIOLATIONS
