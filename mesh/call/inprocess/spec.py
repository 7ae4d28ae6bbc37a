"""One method as a stub asks for it."""

from collections.abc import Callable
from typing import Any, cast

from mesh.call.inprocess.context import Handler


class Spec:
    """One method: its name, its arity and how its messages are written."""

    __slots__ = ("_decode", "_encode", "arity", "method", "request_streaming", "response_streaming")

    def __init__(self, method: str, arity: str, encode: Any, decode: Any) -> None:
        self.method, self.arity = method, arity
        self.request_streaming, self.response_streaming = (part == "stream" for part in arity.split("_"))
        self._encode, self._decode = encode, decode

    def encode(self, message: Any) -> bytes:
        return cast(bytes, self._encode(message) if self._encode else message)

    def decode(self, data: bytes) -> Any:
        return self._decode(data) if self._decode else data

    def behaviour(self, handler: Handler) -> Callable[..., Any]:
        behaviour = getattr(handler, self.arity)
        if behaviour is None:
            raise TypeError(f"{self.method} is not {self.arity}.")
        return cast(Callable[..., Any], behaviour)
