"""The general limit of the edge: it counts whatever comes in, before anybody looks at what it is."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facade.gate import is_below
from facade.problems import problem
from mesh.call import context as request_context
from mesh.errors import Error
from mesh.identity.principal import Principal
from mesh.limits.classes import EDGE
from mesh.limits.headers import Left, read, written
from mesh.limits.limiter import Decision
from mesh.limits.limits import Limits, refusal

Verify = Callable[[str], Awaitable[Principal]]
"""Who a token stands for. Raises a mesh Error for one that stands for nobody."""


class Edge:
    """Charges whom a token proves, and otherwise the address."""

    def __init__(self, limits: Limits, verify: Verify) -> None:
        self._limits, self._verify = limits, verify

    async def take(self, token: str, address: str) -> list[Decision]:
        """Charges one thing that came in. `token` is empty when there is none; a bad one is as good as none."""
        if not self._limits.classes[EDGE]:
            return []
        principal = None
        if token:
            with suppress(Error):  # Whether it is good enough is for the service to say.
                principal = await self._verify(token)
        return await self._limits.take(self._limits.of_request(principal, address))

    async def admit(self, token: str, address: str) -> None:
        """The same. Raises Exhausted (RATE_LIMITED)."""
        if error := refusal(await self.take(token, address)):
            raise error


class LimitMiddleware:
    """Charges each request below /api and tells in its answer what is left: here, and of the class of the call.

    What is left of a class comes with the answer, where the service has told it.
    """

    def __init__(self, app: ASGIApp, edge: Edge) -> None:
        self._app, self._edge = app, edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_below(scope, "/api"):
            await self._app(scope, receive, send)
            return
        decisions = await self._edge.take(_token(scope), request_context.current().address)

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                _tell(MutableHeaders(scope=message), decisions)
            await send(message)

        error = refusal(decisions)
        answer = self._app if error is None else problem(error, Request(scope))
        await answer(scope, receive, send_with_limits)


def _token(scope: Scope) -> str:
    scheme, _, token = Headers(scope=scope).get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _tell(headers: MutableHeaders, decisions: Sequence[Decision]) -> None:
    limits = [*(Left.of(decision) for decision in decisions), *read(headers)]
    if not limits:
        return
    first = min(limits, key=lambda left: left.remaining)
    headers.update(written(limits))
    headers["x-ratelimit-limit"] = str(first.quota)
    headers["x-ratelimit-remaining"] = str(first.remaining)
    headers["x-ratelimit-reset"] = str(first.reset_s)
