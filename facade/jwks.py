"""The public keys of access tokens where programs of others look for them: `/.well-known/jwks.json` (RFC 7517)."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chat.user.v1.key_service_pb2 import GetKeysRequest
from chat.user.v1.key_service_pb2_grpc import KeyServiceStub
from mesh.service import ChannelFor

PATH = "/.well-known/jwks.json"
MAX_AGE_S = 30
"""Half of the time that a key is published before it signs: who keeps the set no longer knows each key in time."""


def jwks_route(channel_for: ChannelFor) -> Route:
    async def get_jwks(_: Request) -> Response:
        told = await KeyServiceStub(channel_for("user")).GetKeys(GetKeysRequest())
        keys = [{field.name: value for field, value in key.ListFields()} for key in told.keys]
        headers = {"Cache-Control": f"public, max-age={MAX_AGE_S}"}
        return Response(orjson.dumps({"keys": keys}), headers=headers, media_type="application/jwk-set+json")

    return Route(PATH, get_jwks)
