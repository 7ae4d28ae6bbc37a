"""KeyService: the public keys, for whoever verifies access tokens, and their rotation."""

import math

from chat.user.v1 import key_service_pb2 as pb
from chat.user.v1.key_service_pb2_grpc import KeyServiceServicer
from services.user.keys.ring import KeyRing


class KeyServicer(KeyServiceServicer):
    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def GetKeys(self, request: pb.GetKeysRequest, context: object) -> pb.GetKeysResponse:
        return pb.GetKeysResponse(keys=[pb.Key(**key.jwk) for key in await self._ring.published()])

    async def RotateKeys(self, request: pb.RotateKeysRequest, context: object) -> pb.RotateKeysResponse:
        key, left = await self._ring.rotate()
        return pb.RotateKeysResponse(kid=key.kid, signs_in=math.ceil(left.total_seconds()))
