"""The server's side of one call."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, cast

import grpc
from grpc.aio import EOF, AbortError

if TYPE_CHECKING:
    from mesh.call.inprocess.call import Call

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class ServicerContext(grpc.aio.ServicerContext[Any, Any]):
    """The server's side of one call."""

    def __init__(self, call: "Call", metadata: tuple[tuple[str, str | bytes], ...]) -> None:
        self._call = call
        self._metadata = metadata
        self._code: grpc.StatusCode | None = None
        self._details = ""
        self._trailing: tuple[tuple[str, str | bytes], ...] = ()
        self.handler: Handler | None = None

    async def read(self) -> Any:
        item = await self._call.requests.get()
        return EOF if item is None else self._decode(item)

    async def write(self, message: Any) -> None:
        self._call.start_metadata()
        data = self.encode(message)
        if not await self._call.responses.put(data):
            raise asyncio.CancelledError

    def _decode(self, data: bytes) -> Any:
        decode = self.handler and self.handler.request_deserializer
        return decode(data) if decode else data

    def encode(self, message: Any) -> bytes:
        encode = self.handler and self.handler.response_serializer
        return encode(message) if encode else cast(bytes, message)

    async def requests(self) -> AsyncIterator[Any]:
        while (item := await self._call.requests.get()) is not None:
            yield self._decode(item)

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        self._call.start_metadata(initial_metadata)

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> NoReturn:
        self._code, self._details = code, details
        if trailing_metadata:
            self._trailing = tuple(trailing_metadata)
        raise AbortError("Locally aborted.")

    async def abort_with_status(self, status: grpc.Status) -> NoReturn:
        await self.abort(status.code, status.details, status.trailing_metadata)

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        self._trailing = tuple(trailing_metadata)

    def invocation_metadata(self) -> Any:
        return self._metadata

    def set_code(self, code: grpc.StatusCode) -> None:
        self._code = code

    def set_details(self, details: str) -> None:
        self._details = details

    def set_compression(self, compression: grpc.Compression) -> None:
        """Nothing is compressed between two parts of one process."""

    def disable_next_message_compression(self) -> None:
        """Nothing is compressed between two parts of one process."""

    def peer(self) -> str:
        return "inprocess:"

    def peer_identities(self) -> Iterable[bytes] | None:
        return None

    def peer_identity_key(self) -> str | None:
        return None

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return {}

    def time_remaining(self) -> float:
        return cast(float, self._call.time_remaining())

    def trailing_metadata(self) -> Any:
        return self._trailing

    def code(self) -> Any:
        return self._code

    def details(self) -> str:
        return self._details

    def add_done_callback(self, callback: Any) -> None:
        self._call.add_done_callback(lambda _: callback(self))

    def cancelled(self) -> bool:
        return self._call.cancelled()

    def done(self) -> bool:
        return self._call.done()
