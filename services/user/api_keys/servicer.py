"""ApiKeyService: the caller's own keys, and whom a key stands for."""

from collections.abc import Callable
from datetime import datetime

from chat.user.v1 import api_key_service_pb2 as pb
from chat.user.v1.api_key_service_pb2_grpc import ApiKeyServiceServicer
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.identity.api_keys import key_invalid
from mesh.page import Cursors, limit_of
from services.user.api_keys.domain import ApiKey
from services.user.api_keys.issuing import KeyIssuing
from services.user.api_keys.store import ApiKeyStore
from services.user.api_keys.wire import moment, to_api_key, to_bearer


class ApiKeyServicer(ApiKeyServiceServicer):
    def __init__(
        self, keys: ApiKeyStore, issuing: KeyIssuing, cursors: CursorCodec, *, clock: Callable[[], datetime]
    ) -> None:
        self._keys = keys
        self._issuing = issuing
        self._cursors = cursors
        self._clock = clock

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, context: object) -> pb.CreateApiKeyResponse:
        key, secret = await self._issuing.issue(
            caller().user_id, request.name, request.scopes, moment(request, request.expires_at)
        )
        return pb.CreateApiKeyResponse(api_key=to_api_key(key), secret=secret)

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, context: object) -> pb.ListApiKeysResponse:
        who, limit = caller(), limit_of(request.limit)
        cursors = Cursors[ApiKey](self._cursors, f"ListApiKeys:{who.user_id}", lambda key: (key.id,))
        place = cursors.place(request.cursor)
        found = await self._keys.page(who.workspace_id, who.user_id, self._clock(), place, limit)
        return pb.ListApiKeysResponse(items=map(to_api_key, found.items), page=cursors.page(found, limit))

    async def RevokeApiKey(self, request: pb.RevokeApiKeyRequest, context: object) -> pb.RevokeApiKeyResponse:
        await self._keys.revoke(caller().workspace_id, caller().user_id, request.id, self._clock())
        return pb.RevokeApiKeyResponse()

    async def IntrospectKey(self, request: pb.IntrospectKeyRequest, context: object) -> pb.IntrospectKeyResponse:
        bearer = await self._keys.introspect(request.hash, self._clock())
        if bearer is None:
            raise key_invalid()
        return to_bearer(bearer)
