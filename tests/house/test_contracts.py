"""House rules of the contracts, beyond what `buf lint` knows: each method says how the mesh shall treat it."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor

from chat.mesh.v1 import options_pb2

PROTO = Path(__file__).parents[2] / "proto"
PATH = re.compile(r"(/[a-z][a-z-]*|/\{[a-z_]+\})+(:[a-z][A-Za-z]*)?")


def files() -> Iterator[FileDescriptor]:
    for path in sorted(PROTO.rglob("*.proto")):
        module = path.relative_to(PROTO).with_suffix("").as_posix().replace("/", ".")
        yield importlib.import_module(f"{module}_pb2").DESCRIPTOR


METHODS: list[MethodDescriptor] = [m for f in files() for s in f.services_by_name.values() for m in s.methods]
EVENTS: list[Descriptor] = [
    message for file in files() if file.package == "chat.event.v1" for message in file.message_types_by_name.values()
]


def option(owner: MethodDescriptor | Descriptor, extension: Any) -> Any:
    """The value of an extension; the stubs of google and of ours disagree about its type."""
    return owner.GetOptions().Extensions[extension]


def policy(method: MethodDescriptor) -> options_pb2.Policy:
    return cast(options_pb2.Policy, option(method, options_pb2.policy))


def http(method: MethodDescriptor) -> Any:
    return option(method, annotations_pb2.http)


def verb_and_path(method: MethodDescriptor) -> tuple[str, str]:
    verb = http(method).WhichOneof("pattern")
    return (verb, getattr(http(method), verb)) if verb else ("", "")


def body_of_answer(method: MethodDescriptor) -> Descriptor:
    """The message that REST answers with."""
    field = http(method).response_body
    body = method.output_type.fields_by_name[field].message_type if field else method.output_type
    assert body is not None
    return body


each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: str(method.full_name))


@each_method
def test_a_method_says_who_may_call_and_how_long_it_may_take(method: MethodDescriptor) -> None:
    """Each method has a role, a rate class and what it reaches; a unary one has a deadline, a stream has none."""
    streams = method.client_streaming or method.server_streaming
    assert policy(method).role != options_pb2.ROLE_UNSPECIFIED
    assert policy(method).rate_class != options_pb2.RATE_CLASS_UNSPECIFIED
    assert policy(method).access != options_pb2.ACCESS_UNSPECIFIED
    assert (policy(method).deadline_ms > 0) != streams


@each_method
def test_a_method_can_be_reached_from_outside(method: MethodDescriptor) -> None:
    """A method has a REST route or travels in the Relay; only one whose caller streams has neither.

    What is for services among themselves has none either.
    """
    inside = policy(method).role == options_pb2.ROLE_MESH or method.name == "CheckContact"
    reached = bool(verb_and_path(method)[0]) or policy(method).relayed
    assert reached != inside or method.client_streaming
    assert not (policy(method).relayed and not policy(method).socket_event)


@each_method
def test_a_route_is_well_formed(method: MethodDescriptor) -> None:
    """Paths are lower case below /api/, parameters are fields of the request, and a read has no body."""
    verb, path = verb_and_path(method)
    if not verb:
        return
    assert path.startswith("/api/")
    assert PATH.fullmatch(path)
    assert set(re.findall(r"\{(\w+)\}", path)) <= set(method.input_type.fields_by_name)
    assert http(method).body == ("" if verb in ("get", "delete") else "*")


@each_method
def test_what_may_be_sent_twice_says_so(method: MethodDescriptor) -> None:
    """Only what is not safe to repeat by nature takes an idempotency key, and the domain counts by a field it has."""
    idempotent, streams = method.GetOptions().idempotency_level, method.client_streaming or method.server_streaming
    assert not (policy(method).idempotency_key and (idempotent or streams))
    assert policy(method).rate_field == "" or policy(method).rate_field in method.input_type.fields_by_name


@each_method
def test_what_rest_adds_stands_in_the_answer(method: MethodDescriptor) -> None:
    """The unwrapped field, the fields of Location and ETag, and the replay marker exist."""
    rest, answer = policy(method).rest, method.output_type.fields_by_name
    body = body_of_answer(method).fields_by_name
    assert set(re.findall(r"\{(\w+)\}", rest.location)) <= set(body)
    assert rest.etag_field == "" or rest.etag_field in body
    assert rest.if_match_field == "" or rest.if_match_field in method.input_type.fields_by_name
    assert rest.replayed_field == "" or answer[rest.replayed_field].type == FieldDescriptor.TYPE_BOOL
    assert rest.success != 204 or not answer


@each_method
def test_a_list_answers_items_and_a_page(method: MethodDescriptor) -> None:
    """What is called List pages by cursor and limit, the same way everywhere."""
    if not method.name.startswith("List"):
        return
    assert {"cursor", "limit"} <= set(method.input_type.fields_by_name)
    assert list(method.output_type.fields_by_name) == ["items", "page"]


def test_no_two_methods_share_a_route_or_a_socket_event() -> None:
    """A route and a socket event each lead to one method."""
    routes = [
        re.sub(r"\{\w+\}", "{}", " ".join(verb_and_path(method))) for method in METHODS if verb_and_path(method)[0]
    ]
    events = [policy(method).socket_event for method in METHODS if policy(method).socket_event]
    assert len(routes) == len(set(routes))
    assert len(events) == len(set(events))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event.name))
def test_an_event_says_where_it_is_published(event: Descriptor) -> None:
    """Each event has a topic of its aggregate and a type, and its place in the log as field 1."""
    published = option(event, options_pb2.event)
    assert re.fullmatch(r"chat\.[a-z]+\.events", published.topic)
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", published.type)
    assert event.fields_by_number[1].name == "pos"


def test_no_two_events_share_a_type() -> None:
    """A consumer can tell events by their type alone."""
    types = [option(event, options_pb2.event).type for event in EVENTS]
    assert len(types) == len(set(types))
