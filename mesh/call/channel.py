"""The caller's half of every call: deadline, identity, correlation and trace, over any kind of channel.

grpc.aio's client interceptors detach cancellation as soon as they await something; this wraps the channel instead,
awaits nothing, and hands the caller the original call object.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from opentelemetry.trace import Span

from mesh.call import context as request_context
from mesh.call.correlation import METADATA_KEY, REQUEST_KEY
from mesh.call.deadline import budget_s
from mesh.call.inprocess import MAX_MESSAGE_BYTES
from mesh.call.spans import Within, client_span, end_span
from mesh.errors import Deadline
from mesh.identity.proof import ADDRESS_KEY, COUNTED_KEY, NESTED_KEY, Proofs
from mesh.identity.proof import METADATA_KEY as PROOF_KEY
from mesh.policy.methods import policy_of
from mesh.policy.retries import service_config
from mesh.telemetry.metrics import Metrics
from mesh.telemetry.tracing import inject


def open_tcp(target: str, service: str, *, alone: bool = False) -> grpc.aio.Channel:
    """A channel to the instances of `service` at a gRPC target: balanced, health-aware, with a retry budget.

    One that is `alone` shares no connection with others of this process.
    """
    options = [
        ("grpc.use_local_subchannel_pool", int(alone)),
        ("grpc.service_config", service_config(service)),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 3_000),
    ]
    return grpc.aio.insecure_channel(target, options=options)


@asynccontextmanager
async def stream(call: Any) -> AsyncIterator[Any]:
    """Owns a streaming call: leaving the block ends it. `break` alone would leave it running on the server."""
    try:
        yield call
    finally:
        call.cancel()


class MeshChannel(grpc.aio.Channel):
    """A channel whose calls carry on the request being served: its deadline less slack, its token, its trace."""

    def __init__(self, inner: grpc.aio.Channel, metrics: Metrics, proofs: Proofs | None = None) -> None:
        """`proofs` is for channels that leave the process: by them the other end knows whose calls these are."""
        self._inner = inner
        self._proofs = proofs
        self._seconds = metrics.rpc_client

    def unary_unary(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._wrap(method, self._inner.unary_unary(method, *codec, **options))

    def unary_stream(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._wrap(method, self._inner.unary_stream(method, *codec, **options))

    def stream_unary(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._wrap(method, self._inner.stream_unary(method, *codec, **options))

    def stream_stream(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._wrap(method, self._inner.stream_stream(method, *codec, **options))

    def _wrap(self, method: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        self._seconds.announce((method,))

        def call(request: Any = None, *, timeout: float | None = None, metadata: Any = (), **options: Any) -> Any:
            remaining_s = request_context.current().remaining_s()
            limit_s = budget_s(asked_s=timeout, policy_s=policy_of(method).deadline_s, remaining_s=remaining_s)
            if limit_s is not None and limit_s <= 0:
                raise Deadline("DEADLINE_EXCEEDED", f"No time is left to call {method}.")
            span = client_span(method)
            made = inner(request, timeout=limit_s, metadata=self._metadata(method, metadata, span), **options)
            started = time.perf_counter()
            made.add_done_callback(lambda done: self._record(method, done, span, started))
            return made

        return call

    def _metadata(self, method: str, given: Any, span: Span) -> tuple[tuple[str, str | bytes], ...]:
        pairs: list[tuple[str, str | bytes]] = list(given or ())
        keys = {key for key, _ in pairs}
        request = request_context.current()
        if request.token and "authorization" not in keys:
            pairs.append(("authorization", f"Bearer {request.token}"))
        for key, value in (
            (REQUEST_KEY, request.request_id),
            (METADATA_KEY, request.correlation_id),
            (ADDRESS_KEY, request.address),
            (COUNTED_KEY, "1" if request.is_counted else ""),
            (NESTED_KEY, "1" if request.principal is not None else ""),  # Nobody is known before a call is admitted.
        ):
            if value and key not in keys:
                pairs.append((key, value))
        if self._proofs is not None:
            pairs.append((PROOF_KEY, self._proofs.make(method)))
        trace: list[tuple[str, str]] = []
        with Within(span):
            inject(trace)
        return (*pairs, *trace)

    def _record(self, method: str, call: Any, span: Span, started: float) -> None:
        def end(code: grpc.StatusCode) -> None:
            end_span(span, code.name)
            self._seconds(method, code.name).observe(time.perf_counter() - started)

        if hasattr(call, "status_code"):
            end(call.status_code())
        else:  # grpc.aio tells the code of an ended call only to who awaits it.
            task = asyncio.get_running_loop().create_task(call.code())
            task.add_done_callback(lambda done: end(done.result()))

    async def __aenter__(self) -> "MeshChannel":
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._inner.__aexit__(*error)

    async def close(self, grace: float | None = None) -> None:
        await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._inner.channel_ready()
