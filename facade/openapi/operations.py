"""The document itself: paths, operations, and the socket events that share their messages."""

from collections.abc import Iterable, Mapping
from typing import Any

from chat.mesh.v1.options_pb2 import ROLE_ANONYMOUS
from facade.descriptors import HttpRule, Method
from facade.openapi import headers
from facade.openapi.constraints import required
from facade.openapi.schema import Schema, Schemas, problem_schema
from facade.problems import MEDIA_TYPE
from facade.rest.binding import path_parameters, query_parameters
from facade.rest.routes import served
from facade.rest.stream import NDJSON, SSE

_NOTHING: Mapping[str, Schema] = {}
_META = [{"name": "Meta", "description": "What the platform tells of itself."}]
_PROBLEM = "#/components/responses/Problem"


def document(
    methods: Iterable[Method], comments: Mapping[str, str], *, version: str, meta: Mapping[str, Schema] = _NOTHING
) -> dict[str, Any]:
    """The OpenAPI document of `methods`; `comments` are those of the contracts, by full name.

    `meta` are operations by the paths that the facade answers itself, by GET.
    """
    methods, schemas = list(methods), Schemas(comments)
    paths: dict[str, Schema] = {}
    for method in methods:
        for index, rule in enumerate(served(method)):
            paths.setdefault(rule.path, {})[rule.verb.lower()] = _operation(method, rule, index, schemas, comments)
    paths |= {path: {"get": operation} for path, operation in meta.items()}
    events = {m.policy.socket_event: _event(m, schemas, comments) for m in methods if m.policy.socket_event}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Massive Scale Chat", "version": version},
        "tags": [*_tags(methods, comments), *_META[: len(meta)]],
        "paths": paths,
        "components": {
            "schemas": {**schemas.components, "Problem": problem_schema()},
            "responses": {"Problem": _problem()},
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "x-socket-events": events,
    }


def _operation(
    method: Method, rule: HttpRule, index: int, schemas: Schemas, comments: Mapping[str, str]
) -> dict[str, Any]:
    service, comment = method.descriptor.containing_service, comments.get(method.descriptor.full_name, "")
    operation: dict[str, Any] = {
        "operationId": f"{service.name}_{method.descriptor.name}" + (f"_{index + 1}" if index else ""),
        "tags": [service.name],
        "summary": _first_sentence(comment),
        "description": comment,
        "security": [] if method.policy.role == ROLE_ANONYMOUS else [{"bearerAuth": []}],
        "parameters": [*_parameters(method, rule, schemas), *headers.parameters(method, rule)],
        "responses": _responses(method, rule, schemas),
    }
    if rule.body:
        operation["requestBody"] = _request_body(method, rule, schemas)
    if method.policy.socket_event:
        operation["x-socket-event"] = method.policy.socket_event
    return operation


def _parameters(method: Method, rule: HttpRule, schemas: Schemas) -> list[Schema]:
    fields = method.descriptor.input_type.fields_by_name
    needed = required(method.descriptor.input_type)
    path = [_parameter("path", schemas.parameter(fields[name]), name, True) for name in path_parameters(rule)]
    query = query_parameters(method, rule).items()
    return path + [_parameter("query", schemas.parameter(field), name, name in needed) for name, field in query]


def _parameter(place: str, schema: Schema, name: str, needed: bool) -> Schema:
    description = schema.pop("description", "")
    return {"name": name, "in": place, "required": needed, "description": description, "schema": schema}


def _request_body(method: Method, rule: HttpRule, schemas: Schemas) -> Schema:
    request = method.descriptor.input_type
    if rule.body == "*":
        schema = schemas.body(request, set(path_parameters(rule)))
        needed = bool(required(request) - set(path_parameters(rule)))
    else:
        schema, needed = schemas.parameter(request.fields_by_name[rule.body]), rule.body in required(request)
    return {"required": needed, "content": {"application/json": {"schema": schema}}}


def _responses(method: Method, rule: HttpRule, schemas: Schemas) -> dict[str, Schema]:
    rest, schema = method.policy.rest, _body(method, rule.response_body, schemas)
    types = (NDJSON, SSE) if method.descriptor.server_streaming else ("application/json",)
    content = {media_type: {"schema": schema} for media_type in types}
    status, told = rest.success or 200, headers.answered(method)
    success: Schema = {"description": "Done."} if status == 204 else {"description": "Done.", "content": content}
    if method.descriptor.server_streaming:
        success["description"] = "One item a line, or an event each; an error ends it, as `{problem}` or event `error`."
    responses = {str(status): success | ({"headers": told} if told else {})}
    if rest.replayed_field and status != 200:
        done = {"description": "Done by an earlier call.", "content": content, "headers": headers.replayed(method)}
        responses["200"] = done
    if headers.answers_not_modified(method, rule):
        responses["304"] = {"description": "It is as `If-None-Match` says.", "headers": told}
    if headers.takes_if_match(method, rule):
        responses["412"] = {"$ref": _PROBLEM}
    return {**responses, "default": {"$ref": _PROBLEM}}


def _event(method: Method, schemas: Schemas, comments: Mapping[str, str]) -> Schema:
    return {
        "description": comments.get(method.descriptor.full_name, ""),
        "request": schemas.input(method.descriptor.input_type),
        "response": _body(method, method.rules[0].response_body if method.rules else "", schemas),
    }


def _body(method: Method, response_body: str, schemas: Schemas) -> Schema:
    """What a client gets of a response: one field of it, or all."""
    output = method.descriptor.output_type
    field = output.fields_by_name.get(response_body)
    return schemas.member(field) if field is not None else schemas.output(output)


def _tags(methods: Iterable[Method], comments: Mapping[str, str]) -> list[Schema]:
    services = {
        m.descriptor.containing_service.full_name: m.descriptor.containing_service for m in methods if served(m)
    }
    return [{"name": s.name, "description": comments.get(s.full_name, "")} for s in services.values()]


def _problem() -> Schema:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": "What went wrong.", "content": {MEDIA_TYPE: {"schema": schema}}}


def _first_sentence(comment: str) -> str:
    return comment.split(". ")[0].rstrip(".")
