"""`GET /api/meta/limits`: how much and how large, so that nobody has to find out by trying. The same for everybody."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from starlette.responses import Response
from starlette.routing import Route

from facade.descriptors import Method
from facade.engine.polling import MAX_PAYLOAD_PACKETS
from facade.engine.socket import MAX_QUEUED
from facade.openapi.constraints import constraints
from facade.rest import MAX_BODY
from facade.rest.routes import served
from facade.resume import MAX_REPLAYED, MAX_REPLAYED_BYTES
from facade.sockets import MAX_PACKET_BYTES, MAX_PER_USER
from facade.translate.decode import MAX_DEPTH
from mesh.limits.classes import class_name
from mesh.limits.limiter import Policy
from mesh.limits.limits import Limits

PATH = "/api/meta/limits"
_SIZES = {
    "body_bytes": MAX_BODY,
    "json_depth": MAX_DEPTH,
    "socket_packet_bytes": MAX_PACKET_BYTES,
    "socket_poll_packets": MAX_PAYLOAD_PACKETS,
    "socket_queued_packets": MAX_QUEUED,
    "sockets_per_user": MAX_PER_USER,
    "replayed_changes": MAX_REPLAYED,
    "replayed_bytes": MAX_REPLAYED_BYTES,
}


def limits_route(limits: Limits, methods: Sequence[Method]) -> Route:
    """The route. What it answers cannot change while the process runs, so it is written once."""
    body = orjson.dumps(
        {
            "rates": [_rate(policy) for scopes in limits.classes.values() for policy in scopes.values()],
            "classes": dict(_classes(methods)),
            "sizes": _SIZES,
            "fields": dict(_fields(methods)),
        }
    )

    async def get_limits(_: object) -> Response:
        return Response(body, media_type="application/json", headers={"Cache-Control": "max-age=300"})

    return Route(PATH, get_limits)


def operation() -> dict[str, Any]:
    """What the OpenAPI document says about the route."""
    text, number = {"type": "string"}, {"type": "integer"}
    rate = {"policy": text, "scope": text, "quota": number, "window_s": number, "per_second": {"type": "number"}}
    answer = {
        "rates": _described(
            "Each policy that holds: calls at once, and how they come back.", "array", items=_all(rate)
        ),
        "classes": _described("The policy of each operation and socket event.", additionalProperties=text),
        "sizes": _described("How large and how many.", additionalProperties=number),
        "fields": _described("By request, the limits of its fields.", additionalProperties={"type": "object"}),
    }
    done = {"description": "Done.", "content": {"application/json": {"schema": _all(answer)}}}
    return {
        "operationId": "Meta_GetLimits",
        "tags": ["Meta"],
        "summary": "The limits that hold for everybody",
        "description": "The limits that hold for everybody: how often, how much, how large.",
        "security": [],
        "parameters": [],
        "responses": {"200": done, "default": {"$ref": "#/components/responses/Problem"}},
    }


def _rate(policy: Policy) -> dict[str, Any]:
    return {
        "policy": policy.name,
        "scope": policy.scope,
        "quota": policy.burst,
        "window_s": policy.window_s,
        "per_second": round(policy.rate, 6),
    }


def _classes(methods: Iterable[Method]) -> Iterable[tuple[str, str]]:
    for method in methods:
        name = class_name(method.policy.rate_class)
        yield from ((f"{rule.verb} {rule.path}", name) for rule in served(method))
        if method.policy.socket_event:
            yield method.policy.socket_event, name


def _fields(methods: Iterable[Method]) -> Iterable[tuple[str, dict[str, Any]]]:
    for method in methods:
        if served(method) or method.policy.socket_event:
            found = {field.name: constraints(field) for field in method.descriptor.input_type.fields}
            if limited := {name: rules for name, rules in found.items() if rules}:
                yield method.descriptor.input_type.name, limited


def _all(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _described(description: str, kind: str = "object", **schema: Any) -> dict[str, Any]:
    return {"type": kind, "description": description, **schema}
