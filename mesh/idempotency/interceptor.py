"""A call that is repeated with its idempotency key does nothing more, and is answered as it was the first time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import grpc
import structlog
from google.protobuf.message import Message
from grpc_interceptor.server import AsyncServerInterceptor

from mesh.call import context as request_context
from mesh.call.faults import unexpected
from mesh.call.status import from_rpc_error
from mesh.errors import Conflict, Deadline, Error, Unavailable
from mesh.idempotency.answer import Answer, decode, encode, is_final
from mesh.idempotency.key import METADATA_KEY, CallKey
from mesh.idempotency.store import Claim, IdempotencyStore
from mesh.policy.methods import policy_of

KEEP = timedelta(hours=24)
LEASE_SLACK = timedelta(seconds=5)
"""How long a call may be silent after its deadline until it is taken for dead; more than clocks differ."""
WAIT_S = 2.0
"""How long a call waits for the first one that still runs."""
LOOK_S = 0.1
"""How often it looks for one that runs in another process."""
MARGIN_S = 0.1
"""What is left of a call's time to tell why it was refused."""
CLOSE_S = 5.0
REPLAYED = ("idempotent-replayed", "true")

log = structlog.get_logger(__name__)


class IdempotencyInterceptor(AsyncServerInterceptor):
    """Runs calls with a key at most once, and keeps what they answer for a day.

    A call with a key goes on when its caller gives up: that is when the key is needed, and the answer is kept for the
    next try. What ends without an answer, and could have had its effect, keeps its claim until the lease has ended.
    """

    def __init__(self, secret: bytes, *, clock: Callable[[], datetime]) -> None:
        self._secret = secret
        self._clock = clock
        self._stores: dict[str, IdempotencyStore] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._running: dict[bytes, asyncio.Task[Any]] = {}

    def keep(self, service: str, store: IdempotencyStore) -> None:
        """Keeps the keys of a service's methods in `store`."""
        self._stores[service] = store

    async def close(self) -> None:
        """Lets the calls that go on without their callers end, while the services are still there."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Methods that take no key are left as they are."""
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None or not policy_of(details.method).takes_key:
            return handler
        return await super().intercept_service(continuation, details)  # type: ignore[no-untyped-call]

    async def intercept(self, method: Any, request_or_iterator: Any, context: Any, method_name: str) -> Any:
        text = next((str(value) for key, value in context.invocation_metadata() or () if key == METADATA_KEY), None)
        if text is None:
            return await method(request_or_iterator, context)
        key = CallKey(self._secret, text, method=method_name, principal=request_context.current().principal)
        once = self._once(key, method_name, request_or_iterator, lambda: method(request_or_iterator, context))
        task = asyncio.create_task(once, name=f"once {method_name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            answer, replayed = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(lambda done: _report(done, method_name))
            raise
        if replayed:
            context.set_trailing_metadata((*(context.trailing_metadata() or ()), REPLAYED))
        if isinstance(answer, Error):
            raise answer
        return answer

    async def _once(
        self, key: CallKey, method: str, request: Message, run: Callable[[], Awaitable[Message]]
    ) -> tuple[Answer, bool]:
        """The answer, and whether it was there before."""
        store, limit_s = self._stores[method.split(".")[1]], _deadline_s(method)
        fingerprint, remaining_s = key.fingerprint(request), request_context.current().remaining_s()
        give_up = time.monotonic() + min(WAIT_S, (limit_s if remaining_s is None else remaining_s) - MARGIN_S)
        while True:
            now = self._clock()
            lease = timedelta(seconds=limit_s) + LEASE_SLACK
            claim = Claim(key.hash, key.workspace_id, fingerprint, now + lease, now + KEEP)
            kept = await store.claim(claim, now)
            if kept is None:
                return await self._first(store, claim, key, limit_s, run), False
            if kept.fingerprint != fingerprint:
                raise Conflict("IDEMPOTENCY_KEY_CONFLICT", "This idempotency key was used for another request.")
            if kept.answer is not None:
                return decode(method, key.open(kept.answer)), True
            await self._wait(key.hash, give_up)

    async def _first(
        self,
        store: IdempotencyStore,
        claim: Claim,
        key: CallKey,
        limit_s: float,
        run: Callable[[], Awaitable[Message]],
    ) -> Answer:
        """Runs the call that has the claim. Raises what is not kept."""
        task = asyncio.current_task()
        assert task is not None
        self._running[claim.hash] = task
        try:
            answer = await _run(run, limit_s)
            await _settle(store.finish(claim, key.seal(encode(answer))))
            return answer
        except Deadline:
            raise  # Whether it has had its effect is not known.
        except Exception:
            await _settle(store.release(claim))
            raise
        finally:
            self._running.pop(claim.hash, None)

    async def _wait(self, key_hash: bytes, give_up: float) -> None:
        """Until the first call has ended, or it is time to look."""
        left_s = give_up - time.monotonic()
        if left_s <= 0:
            raise Unavailable(
                "IDEMPOTENCY_KEY_IN_USE",
                "The first call with this idempotency key still runs. Try again.",
                retry_after_s=1,
            )
        if first := self._running.get(key_hash):
            await asyncio.wait([first], timeout=left_s)
        else:
            await asyncio.sleep(min(LOOK_S, left_s))


def _report(task: asyncio.Task[Any], method: str) -> None:
    """Nobody is there any more to be told of a fault of ours."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, Error):
        unexpected(error, method=method)


async def _settle(step: Awaitable[object]) -> None:
    """What cannot be kept is no reason to fail: the claim ends with its lease."""
    try:
        await step
    except Exception as error:
        log.warning("what became of a call with an idempotency key was not kept", exc_info=error)


async def _run(run: Callable[[], Awaitable[Message]], limit_s: float) -> Answer:
    """The call's own answer, or a refusal that is final, whoever still waits for it. Raises everything else."""
    request_context.bind(replace(request_context.current(), deadline=time.monotonic() + limit_s))
    try:
        async with asyncio.timeout(limit_s) as limit:
            return await run()
    except TimeoutError:
        if not limit.expired():
            raise
        raise Deadline("DEADLINE_EXCEEDED", f"The call took longer than {limit_s:g} s.") from None
    except grpc.aio.AioRpcError as failure:
        error = from_rpc_error(failure)
    except Error as caught:
        error = caught
    if not is_final(error):
        raise error
    return error


def _deadline_s(method: str) -> float:
    deadline_s = policy_of(method).deadline_s
    assert deadline_s is not None  # Whoever takes a key is no stream: a rule of the house.
    return deadline_s
