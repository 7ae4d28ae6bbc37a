"""KeyService: the public keys, for whoever verifies access tokens."""

from chat.user.v1 import key_service_pb2 as pb
from chat.user.v1.key_service_pb2_grpc import KeyServiceServicer
from services.user.keys.domain import KeySet


class KeyServicer(KeyServiceServicer):
    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    async def GetKeys(self, request: pb.GetKeysRequest, context: object) -> pb.GetKeysResponse:
        return pb.GetKeysResponse(keys=[pb.Key(**key.jwk) for key in self._keys.keys])
