"""What is refused before anybody looks at it, and what browsers are told about who may read an answer (CORS).

Nothing here is done by cookies: what a page of another origin may do is what its token allows.
"""

from collections.abc import Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facade.credentials import check_address
from facade.origins import Origins
from facade.problems import problem
from mesh.errors import Error, Forbidden

PREFLIGHT_S = 7200
_METHODS = "DELETE, GET, HEAD, PATCH, POST, PUT"
_TAKEN = (
    "authorization, content-type, idempotency-key, if-match, if-none-match, traceparent, tracestate, x-correlation-id"
)
_TOLD = (
    "allow, etag, idempotent-replayed, location, ratelimit, ratelimit-policy, retry-after, www-authenticate, "
    "x-correlation-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-request-id, x-trace-id"
)
_STARTS = ("http.response.start", "websocket.http.response.start")


class Gate:
    """Stands before REST and sockets. `within` gives a refusal what every request is given, such as its ids.

    `knock` raises why no new socket can be opened.
    """

    def __init__(
        self,
        app: ASGIApp,
        origins: Origins,
        safety: Mapping[str, str],
        within: Callable[[ASGIApp], ASGIApp],
        *,
        knock: Callable[[], None],
    ) -> None:
        self._app, self._origins, self._safety, self._within = app, origins, safety, within
        self._knock = knock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = ", ".join(headers.getlist("origin"))
        admitted = self._origins.admits(origin, scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] in _STARTS:
                answer = MutableHeaders(scope=message)
                for name, value in self._safety.items():
                    answer.setdefault(name, value)  # what is shown for others has stricter ones
                answer.add_vary_header("Origin")
                if admitted:
                    answer["access-control-allow-origin"] = origin
                    answer["access-control-expose-headers"] = _TOLD
            await send(message)

        app = self._app
        try:
            self._check(scope, headers, admitted)
        except Error as error:
            app = self._within(_refusal(error))
        else:
            if admitted and scope["type"] == "http" and _is_preflight(scope, headers):
                app = _PREFLIGHT
        await app(scope, receive, send_with_headers)

    def _check(self, scope: Scope, headers: Headers, admitted: bool) -> None:
        is_socket = is_below(scope, "/ws")
        if is_socket and not admitted and not _comes_from_no_page(headers):
            raise Forbidden("ORIGIN_REFUSED", "Pages of this origin may not connect.")
        if is_socket or is_below(scope, "/api"):
            check_address(scope)
        if is_socket and b"sid=" not in scope["query_string"]:
            self._knock()


def _comes_from_no_page(headers: Headers) -> bool:
    """Whether a request without Origin may pass: a program sends none, nor does a browser to where its page is from.

    Cookies show a browser. One that sends them says where its page is from, if it can be trusted at all.
    """
    return "origin" not in headers and ("cookie" not in headers or headers.get("sec-fetch-site") == "same-origin")


def is_below(scope: Scope, path: str) -> bool:
    """Whether a request is for `path` or something below it."""
    return f"{scope['path']}/".startswith(f"{path}/")


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    return scope["method"] == "OPTIONS" and "access-control-request-method" in headers


def _refusal(error: Error) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await problem(error, HTTPConnection(scope))(scope, receive, send)

    return app


_PREFLIGHT = Response(
    status_code=204,
    headers={
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": _TAKEN,
        "Access-Control-Max-Age": str(PREFLIGHT_S),
    },
)
