"""Client events of sockets as RPCs: the event's contract says which, and whether it travels in the relay."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from google.protobuf.message import Message

from facade.descriptors import Method
from facade.relays import Attachment, Relays
from facade.rest.routes import ChannelFor
from facade.translate import Decoder, Encoder
from mesh.call.correlation import METADATA_KEY
from mesh.call.status import answer_of
from mesh.errors import Invalid
from mesh.policy.methods import policy_of
from mesh.telemetry.tracing import traceparent


class Calls:
    """Makes the RPC that an event stands for, as the user of a session. `check` raises why a method is refused now."""

    def __init__(
        self,
        methods: Iterable[Method],
        channel_for: ChannelFor,
        encoder: Encoder,
        decoder: Decoder,
        *,
        check: Callable[[str], None],
    ) -> None:
        self._methods: Mapping[str, Method] = {m.policy.socket_event: m for m in methods if m.policy.socket_event}
        self._channel_for, self._encode, self._decode = channel_for, encoder, decoder
        self._check = check

    @property
    def events(self) -> list[str]:
        return list(self._methods)

    async def make(
        self, relays: Relays, attachment: Attachment, event: str, data: Any, correlation_id: str
    ) -> dict[str, Any]:
        """`{data, replayed?}` of the answer. Raises Invalid (UNKNOWN_EVENT, UNKNOWN_FIELD, …) and what the RPC does."""
        method = self._methods.get(event)
        if method is None:
            raise Invalid("UNKNOWN_EVENT", f"There is no event `{event[:40]}`.{self._suggestion(event)}")
        self._check(method.path)
        request = self._decode(method.request, {} if data is None else data)
        if method.policy.relayed:
            response = method.response.FromString(
                await relays.call(
                    attachment,
                    method.path,
                    request.SerializeToString(),
                    key=getattr(request, "conversation_id", "") or attachment.user_id,
                    repeatable=policy_of(method.path).safe_to_repeat or bool(getattr(request, "client_msg_id", "")),
                    correlation_id=correlation_id,
                    traceparent=traceparent(),
                )
            )
        else:
            response = await self._unary(method, request, attachment.token, correlation_id)
        return self._answer(method, response)

    async def _unary(self, method: Method, request: Message, token: str, correlation_id: str) -> Message:
        metadata = (("authorization", f"Bearer {token}"), (METADATA_KEY, correlation_id))
        response: Message = await answer_of(method.on(self._channel_for(method.target))(request, metadata=metadata))
        return response

    def _answer(self, method: Method, response: Message) -> dict[str, Any]:
        rule = method.rules[0] if method.rules else None
        body = getattr(response, rule.response_body) if rule and rule.response_body else response
        answer = {"data": self._encode(body)}
        if replayed := method.policy.rest.replayed_field:
            answer["replayed"] = getattr(response, replayed)
        return answer

    def _suggestion(self, event: str) -> str:
        close = difflib.get_close_matches(event, self._methods, 1)
        return f" Did you mean `{close[0]}`?" if close else ""
