"""REST and sockets open no door that the contracts do not name, and ask the same questions at each."""

import asyncio
import re
from typing import Any

import httpx2
import pytest
from google.protobuf.message import Message

from chat.mesh.v1 import options_pb2 as options
from facade.descriptors import Method
from facade.rest.routes import served
from facade.translate import Encoder
from mesh.policy.methods import policy_of
from tests.authz.cast import Actor, Cast
from tests.authz.expected import ALLOWED, expected
from tests.authz.samples import SAMPLES
from tests.authz.stage import Stage
from tests.authz.test_matrix import name_of
from tests.authz.wire import METHODS
from tests.e2e.clients import User, open_clients
from tests.e2e.conftest import Server

ROUTED = [path for path, method in METHODS.items() if served(method)]
EVENTS = [path for path, method in METHODS.items() if method.policy.socket_event]
OWN = {
    "/api/meta/limits",
    "/api/users/oauth/{provider}/start",
    "/api/users/oauth/{provider}/callback",
}
"""What the facade answers by itself, for everybody alike."""
ENCODE = Encoder()


def fields_of(request: Message) -> dict[str, Any]:
    encoded = ENCODE(request)
    return {field.name: encoded[field.name] for field, _ in request.ListFields()}


def test_what_is_for_the_installation_has_no_door() -> None:
    """Neither a route nor an event leads to a method that is not for users."""
    inside = [path for path in METHODS if policy_of(path).role == options.ROLE_MESH]
    assert inside
    assert [path for path in inside if METHODS[path].rules or METHODS[path].policy.socket_event] == []


def test_every_event_is_one_method_for_users() -> None:
    """Sockets have users: there is no event for anybody else."""
    events = [METHODS[path].policy.socket_event for path in EVENTS]
    assert len(set(events)) == len(events)
    assert {policy_of(path).role for path in EVENTS} == {options.ROLE_USER}


def test_every_route_is_one_of_a_method(server: Server) -> None:
    """As the document of the running server tells, apart from what the facade answers itself."""
    document = httpx2.get(f"{server.http}/api/openapi.json").json()
    described = {
        (verb.upper(), path) for path, item in document["paths"].items() for verb in item if verb != "parameters"
    }
    ruled = {(rule.verb, rule.path) for path in ROUTED for rule in served(METHODS[path])}
    assert ruled <= described
    assert {path for _, path in described - ruled} <= OWN


@pytest.mark.parametrize("path", ROUTED, ids=name_of)
def test_rest_refuses_alike(path: str, server: Server, cast: Cast, stage: Stage) -> None:
    """Everybody who has no business there, for the reason of the contract; nothing changes."""
    method, request = METHODS[path], SAMPLES[name_of(path)](stage)
    before = stage.state()
    refused = {a: reason for a in cast.everybody if not a.prove and (reason := expected(method, a)) != ALLOWED}
    with httpx2.Client(base_url=server.http) as client:
        told = {actor: rest_reason(client, method, request, actor) for actor in refused}
    assert {actor.name: told[actor] for actor in told if told[actor] != refused[actor]} == {}
    assert stage.state() == before


def rest_reason(client: httpx2.Client, method: Method, request: Message, actor: Actor) -> str:
    rule, fields = method.rules[0], fields_of(request)
    path = re.sub(r"{(\w+)}", lambda m: str(fields.pop(m[1])), rule.path)
    about: dict[str, Any] = {"json": fields} if rule.body else {"params": fields}
    answer = client.request(rule.verb, path, headers=dict(actor.metadata(method.path)), **about)
    return str(answer.json().get("code", "")) if answer.status_code >= 400 else ""


@pytest.mark.parametrize("path", EVENTS, ids=name_of)
async def test_sockets_refuse_alike(path: str, server: Server, cast: Cast, stage: Stage) -> None:
    """The calls in the stream that all sockets share are those of their users, and pass the same checks."""
    method, request = METHODS[path], await asyncio.to_thread(SAMPLES[name_of(path)], stage)
    actors = [cast.stranger, cast.outsider, cast.ex_member, cast.member, cast.reader]
    refused = {actor: reason for actor in actors if (reason := expected(method, actor)) != ALLOWED}
    async with open_clients(server.http, server.grpc) as clients:
        for actor, reason in refused.items():
            socket = await clients.connect(User(actor.id, actor.username, actor.token))
            answer = await socket.ask(method.policy.socket_event, fields_of(request))
            assert (answer["ok"], answer["problem"]["code"]) == (False, reason), actor.name
