"""The calls inside Relay streams: found by name, admitted, observed and answered like calls of their own."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError, Message
from opentelemetry.trace import Span

from chat.message.v1 import feed_service_pb2 as pb
from mesh.call import context as request_context
from mesh.call.context import RequestContext
from mesh.call.correlation import accept
from mesh.call.faults import unexpected
from mesh.call.spans import end_span, server_span
from mesh.errors import Error, Invalid, Unimplemented
from mesh.identity.principal import Principal
from mesh.policy.methods import policy_of
from mesh.telemetry.metrics import Metrics
from services.message.calls import Relayed, origin
from services.message.profiles import Profiles

Admit = Callable[[str, RequestContext, Message | None], None]
"""The gate of the mesh: lets a call pass, or raises why not."""
Answer = Callable[[bytes | Error], None]
"""Takes the serialized response of a call, or why there is none."""


@dataclass(frozen=True, slots=True)
class _Started:
    method: str
    relayed: Relayed
    span: Span
    at: float
    answer: Answer


class RelayCalls:
    """All methods that may be called, by full name such as `/chat.message.v1.MessageService/SendMessage`."""

    def __init__(self, relayed: Mapping[str, Relayed], profiles: Profiles, *, admit: Admit, metrics: Metrics) -> None:
        self._relayed = relayed
        self._profiles = profiles
        self._admit = admit
        self._metrics = metrics

    def request(self, call: pb.Call) -> Message | None:
        """What is asked for; None when it is no call that can be answered, as `start` will say."""
        relayed = self._relayed.get(call.method)
        try:
            return None if relayed is None else relayed.request.FromString(call.request)
        except DecodeError:
            return None

    def start(
        self, call: pb.Call, request: Message | None, principal: Principal, token: str, address: str, answer: Answer
    ) -> None:
        """Starts a call of `principal`, which is counted already. `request` is what it asks for.

        `answer` is called once, now or later, and no task waits for it.
        """
        relayed = self._relayed.get(call.method)
        if relayed is None:
            answer(Unimplemented("UNIMPLEMENTED", "There is no such method in a Relay stream."))
            return
        started_at = time.perf_counter()
        deadline_s = policy_of(call.method).deadline_s
        context = RequestContext(
            correlation_id=accept(call.correlation_id),
            principal=principal,
            token=token,
            deadline=None if deadline_s is None else time.monotonic() + deadline_s,
            address=address,
            is_counted=True,
        )
        bound = request_context.bind(context)
        try:
            self._profiles.refresh((principal.user_id,))
            with server_span(call.method, [("traceparent", call.traceparent)]) as span:
                started = _Started(call.method, relayed, span, started_at, answer)
                self._begin(started, request, context)
        finally:
            request_context.unbind(bound)

    def _begin(self, started: _Started, request: Message | None, context: RequestContext) -> None:
        try:
            if request is None:
                raise Invalid("INVALID_REQUEST", "The request is not one of this method.")
            self._admit(started.method, context, request)
            future = started.relayed.begin(request, origin())
        except Exception as error:
            self._end(started, error)
        else:
            future.add_done_callback(partial(self._done, started))

    def _done(self, started: _Started, future: asyncio.Future[Any]) -> None:
        try:
            response = started.relayed.answer(future.result()).SerializeToString()
        except (Exception, asyncio.CancelledError) as error:
            self._end(started, error)
        else:
            self._end(started, response)

    def _end(self, started: _Started, result: bytes | BaseException) -> None:
        if not isinstance(result, bytes | Error):
            result = unexpected(result, method=started.method)
        code = result.code if isinstance(result, Error) else "OK"
        end_span(started.span, code)
        self._metrics.rpc_server(started.method, code).observe(time.perf_counter() - started.at)
        started.answer(result)
