"""The gate."""

import time
from contextlib import nullcontext

import pytest

from chat.message.v1.message_service_pb2 import SendMessageRequest
from chat.user.v1 import account_service_pb2, api_key_service_pb2, session_service_pb2  # noqa: F401  (into the pool)
from mesh.call.context import RequestContext
from mesh.errors import Deadline, Error, Forbidden, Invalid, Unauthenticated
from mesh.identity.principal import Principal
from mesh.policy.admit import admit
from mesh.policy.methods import MissingPolicy, policy_of
from tests import arity

SEND = "/chat.message.v1.MessageService/SendMessage"
USER = Principal("u", "s", "user", 2e9)
ID = "0192f0c1-2b3a-7c4d-8e5f-0123456789ab"


def test_a_good_call_passes() -> None:
    """A known caller, in time, with a request that keeps the rules."""
    context = RequestContext(principal=USER, deadline=time.monotonic() + 1)
    admit(SEND, context, SendMessageRequest(conversation_id=ID, text="hi"))


def test_anonymous_methods_need_nobody() -> None:
    """Logging in needs no token."""
    admit("/chat.user.v1.SessionService/Login", RequestContext(), None)


@pytest.mark.parametrize(
    ("method", "context", "kind", "reason"),
    [
        (SEND, RequestContext(), Unauthenticated, "TOKEN_MISSING"),
        (f"/{arity.SERVICE}/Admin", RequestContext(principal=USER), Forbidden, "PERMISSION_DENIED"),
        (SEND, RequestContext(principal=USER, deadline=0.0), Deadline, "DEADLINE_EXCEEDED"),
    ],
)
def test_why_a_call_does_not_pass(method: str, context: RequestContext, kind: type[Error], reason: str) -> None:
    """No token, too little right, no time left."""
    arity.descriptor()
    with pytest.raises(kind) as caught:
        admit(method, context, None)
    assert caught.value.reason == reason


KEYS = "/chat.user.v1.ApiKeyService/ListApiKeys"
READ = "/chat.user.v1.AccountService/GetMe"


@pytest.mark.parametrize(
    ("method", "scopes", "is_nested", "reason"),
    [
        (READ, {"user:read"}, False, ""),
        (READ, {"user:write", "message:read"}, False, "SCOPE_MISSING"),
        (READ, set(), True, ""),
        (SEND, {"message:read"}, False, "SCOPE_MISSING"),
        (KEYS, {"user:read"}, False, "SESSION_ONLY"),
        (KEYS, {"user:read"}, True, "SESSION_ONLY"),
    ],
)
def test_an_api_key_needs_the_scope_of_a_call(method: str, scopes: set[str], is_nested: bool, reason: str) -> None:
    """Where it comes in: not of what is called in turn. What takes a person's session no scope makes up for."""
    key = Principal("u", "k", "user", 2e9, scopes=frozenset(scopes))
    context = RequestContext(principal=key, is_nested=is_nested)
    with nullcontext() if not reason else pytest.raises(Forbidden, match=reason):
        admit(method, context, None)


def test_every_broken_rule_is_named() -> None:
    """All violations at once, each with its field."""
    request = SendMessageRequest(conversation_id="x", metadata={"k" * 65: "v"})
    with pytest.raises(Invalid) as caught:
        admit(SEND, RequestContext(principal=USER), request)
    assert {v.field for v in caught.value.violations} == {"conversation_id", "", f'metadata["{"k" * 64}…"]'}
    assert caught.value.reason == "INVALID_REQUEST"


def test_a_method_without_policy_is_not_served() -> None:
    """Default deny."""
    arity.descriptor()
    with pytest.raises(MissingPolicy):
        policy_of(f"/{arity.SERVICE}/Unmarked")
    with pytest.raises(MissingPolicy):
        policy_of("/chat.arity.v1.ArityService/Unknown")


def test_health_is_open() -> None:
    """Infrastructure has no contract of ours."""
    assert policy_of("/grpc.health.v1.Health/Check").deadline_s is None
