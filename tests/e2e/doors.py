"""One call through each surface: the same request goes in, the same kind of answer comes out."""

import re
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote

import grpc
import httpx2
from google.protobuf.message import Message

from facade.descriptors import HttpRule, Method, all_services, methods
from facade.translate import Decoder, Encoder
from mesh.call.status import from_rpc_error

METHODS = {method.path.removeprefix("/chat."): method for method in methods(all_services())}
"""By names such as `message.v1.MessageService/SendMessage`."""
_ENCODE, _DECODE = Encoder(), Decoder()
_MASK = "update_mask"


class Refused(Exception):
    """A call was answered with an error."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class Door(Protocol):
    """A way to call the methods of the contracts."""

    async def call(self, method: str, request: Message, token: str) -> Any:
        """The response message. Raises Refused."""
        ...


class GrpcDoor:
    def __init__(self, channel_for: Callable[[str], grpc.aio.Channel]) -> None:
        self._channel_for = channel_for
        self._calls: dict[str, Any] = {}

    async def call(self, method: str, request: Message, token: str) -> Any:
        if method not in self._calls:
            self._calls[method] = METHODS[method].on(self._channel_for(METHODS[method].target))
        try:
            return await self._calls[method](request, metadata=(("authorization", f"Bearer {token}"),))
        except grpc.aio.AioRpcError as error:
            raise _refused(error) from error


class RestDoor:
    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def call(self, method: str, request: Message, token: str) -> Any:
        found = METHODS[method]
        verb, path, about = rest_request(found, request)
        answer = await self._client.request(verb, path, headers={"Authorization": f"Bearer {token}"}, **about)
        if answer.status_code >= 400:
            problem = answer.json()
            raise Refused(problem["code"], problem["detail"])
        body = answer.json() if answer.content else {}
        return from_json(found, body, replayed=answer.headers.get("Idempotent-Replayed") == "true")


class SocketDoor:
    """`ask` sends an event and returns its acknowledgement, as an open socket of the caller does."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    async def call(self, method: str, request: Message, token: str) -> Any:
        found = METHODS[method]
        answer = await self._ask(found.policy.socket_event, fields_of(request))
        if not answer["ok"]:
            raise Refused(answer["problem"]["code"], answer["problem"]["detail"])
        return from_json(found, answer["data"], replayed=answer.get("replayed", False))


def fields_of(request: Message) -> dict[str, Any]:
    """The JSON of the fields that are set, and of those that an update mask names."""
    encoded = _ENCODE(request)
    named = getattr(request, _MASK).paths if _MASK in request.DESCRIPTOR.fields_by_name else ()
    present = [field.name for field, _ in request.ListFields() if field.name != _MASK]
    return {name: encoded[name] for name in [*present, *named]}


def rest_request(method: Method, request: Message) -> tuple[str, str, dict[str, Any]]:
    """Verb, path, and what else an HTTP client is told: `json` or `params`."""
    rule, fields = method.rules[0], fields_of(request)
    path = re.sub(r"{(\w+)}", lambda match: quote(str(fields.pop(match[1])), safe=""), rule.path)
    if rule.body:
        return rule.verb, path, {"json": fields}
    return rule.verb, path, {"params": {name: _text(value) for name, value in fields.items()}}


def from_json(method: Method, body: Any, *, replayed: bool = False) -> Any:
    """The response message that a JSON answer stands for."""
    rule: HttpRule | None = method.rules[0] if method.rules else None
    if rule is not None and rule.response_body:
        body = {rule.response_body: body}
        if method.policy.rest.replayed_field:
            body[method.policy.rest.replayed_field] = replayed
    return _DECODE(method.response, body)


def parsed(kind: type[Message], value: Any) -> Any:
    """The message of a kind that a JSON value stands for."""
    return _DECODE(kind, value)


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _refused(error: grpc.aio.AioRpcError) -> Refused:
    known = from_rpc_error(error)
    return Refused(known.reason, known.message)
