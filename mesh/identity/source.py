"""What only the user service knows about tokens, asked over gRPC."""

import time
from collections.abc import Callable

import grpc

from chat.user.v1.api_key_service_pb2 import IntrospectKeyRequest
from chat.user.v1.api_key_service_pb2_grpc import ApiKeyServiceStub
from chat.user.v1.key_service_pb2 import GetKeysRequest
from chat.user.v1.key_service_pb2_grpc import KeyServiceStub
from chat.user.v1.user_pb2 import USER_ROLE_ADMIN
from mesh.identity.api_keys import Introspect
from mesh.identity.keys import FetchKeys
from mesh.identity.principal import Principal
from mesh.identity.tokens import LIFETIME_S

ChannelOf = Callable[[], grpc.aio.Channel]


def keys_from(channel: ChannelOf) -> FetchKeys:
    """Fetches the keys that sign access tokens."""

    async def fetch() -> list[dict[str, str]]:
        response = await KeyServiceStub(channel()).GetKeys(GetKeysRequest())
        return [{field.name: value for field, value in key.ListFields()} for key in response.keys]

    return fetch


def principals_from(channel: ChannelOf, clock: Callable[[], float] = time.time) -> Introspect:
    """Finds whom an API key stands for."""

    async def introspect(digest: bytes) -> Principal:
        found = await ApiKeyServiceStub(channel()).IntrospectKey(IntrospectKeyRequest(hash=digest))
        # As long as an access token: what is open with a key asks anew as often as what is open with a token, so that
        # a process which was long out of reach does not go on by what it has missed.
        expires_at = clock() + LIFETIME_S
        if found.HasField("expires_at"):
            expires_at = min(expires_at, found.expires_at.ToMicroseconds() / 1e6)
        return Principal(
            found.user_id,
            found.id,
            "admin" if found.role == USER_ROLE_ADMIN else "user",
            expires_at,
            found.workspace_id,
            frozenset(found.scopes),
        )

    return introspect
