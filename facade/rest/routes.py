"""One route per path of the contracts, literal paths before those with parameters."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping

import grpc
from opentelemetry.trace import get_current_span
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from facade.descriptors import HttpRule, Method
from facade.rest.answer import Answer
from facade.rest.binding import Binding, metadata
from facade.rest.call import call
from facade.rest.conditional import IfMatch
from facade.rest.stream import Stream
from facade.translate import Decoder, Encoder

ChannelFor = Callable[[str], grpc.aio.Channel]
Endpoint = Callable[[Request], Awaitable[ASGIApp]]


def routes(
    methods: Iterable[Method], channel_for: ChannelFor, draining: asyncio.Event | None = None
) -> list[BaseRoute]:
    """The routes of all methods with HTTP rules; `channel_for("user")` reaches the user service.

    Streams end once `draining` is set.

    Raises ValueError for a contract that cannot be served: an unknown field in a rule, or one path claimed twice.
    """
    encoder, decoder = Encoder(), Decoder()
    paths: dict[str, dict[str, Endpoint]] = {}
    for method in methods:
        for rule in served(method):
            verbs = paths.setdefault(rule.path, {})
            if rule.verb in verbs:
                raise ValueError(f"{method.path}: {rule.verb} {rule.path} belongs to another method")
            binding, answer = Binding(method, rule, decoder), Answer(method, rule, encoder)
            if method.descriptor.server_streaming:
                verbs[rule.verb] = _streaming(method, binding, answer, channel_for, draining or asyncio.Event())
            else:
                verbs[rule.verb] = _unary(method, rule, binding, answer, channel_for)
                if rule.verb == "GET":
                    verbs["HEAD"] = verbs["GET"]  # The HTTP server keeps the body back.
    return [_route(path, paths[path]) for path in sorted(paths, key=_precedence)]


def served(method: Method) -> tuple[HttpRule, ...]:
    """The rules that have a route. What clients stream has none: HTTP/1.1 has no form for it."""
    return () if method.descriptor.client_streaming else method.rules


def _unary(method: Method, rule: HttpRule, binding: Binding, answer: Answer, channel_for: ChannelFor) -> Endpoint:
    if_match = IfMatch(method, rule)

    async def endpoint(request: Request) -> ASGIApp:
        pairs, message = metadata(request, method), await binding.message(request)
        alternatives = if_match.alternatives(request, message)
        return answer(request, await call(method, channel_for(method.target), alternatives, pairs))

    return endpoint


def _streaming(
    method: Method, binding: Binding, answer: Answer, channel_for: ChannelFor, draining: asyncio.Event
) -> Endpoint:
    async def endpoint(request: Request) -> ASGIApp:
        pairs, message = metadata(request, method), await binding.message(request)
        items = method.on(channel_for(method.target))(message, metadata=pairs)
        return Stream(request, items, answer.body, draining)

    return endpoint


def _route(path: str, verbs: Mapping[str, Endpoint]) -> Route:
    allowed = [*verbs, "OPTIONS"]

    async def endpoint(request: Request) -> ASGIApp:
        get_current_span().update_name(f"{request.method} {path}")
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": ", ".join(allowed)})
        return await verbs[request.method](request)

    route = Route(path, endpoint, methods=allowed, name=path)
    route.methods = set(allowed)  # without the HEAD that Starlette adds: a stream has none
    return route


def _precedence(path: str) -> list[tuple[int, str]]:
    """Sorts a literal segment before `{id}:verb`, and that before `{id}`."""
    return [(_rank(segment), segment) for segment in path.split("/")]


def _rank(segment: str) -> int:
    if "{" not in segment:
        return 0
    return 2 if re.fullmatch(r"{\w+}", segment) else 1
