"""The headers of requests and answers, as far as the contract of a method decides them."""

from facade.descriptors import HttpRule, Method
from facade.openapi.schema import Schema

_TEXT = {"type": "string"}
_KEY = {**_TEXT, "pattern": "^[!-~]{1,255}$"}
_TRUE = {"const": "true"}


def parameters(method: Method, rule: HttpRule) -> list[Schema]:
    """The headers that a request may have."""
    found = []
    if answers_not_modified(method, rule):
        found.append(
            _parameter("If-None-Match", "Etags that are known already: the answer to one of them is 304.", _TEXT)
        )
    if takes_if_match(method, rule):
        found.append(
            _parameter("If-Match", "The etag of what is to be changed: another one is refused with 412.", _TEXT)
        )
    if method.policy.idempotency_key:
        text = "Any text of the client's own: a repeat with it within 24 hours gets the first answer, and does no more."
        found.append(_parameter("Idempotency-Key", text, _KEY))
    return found


def answered(method: Method) -> Schema:
    """The headers of a success."""
    rest = method.policy.rest
    always = {"Location": rest.location, "ETag": rest.etag_field}
    found: Schema = {name: {"required": True, "schema": _TEXT} for name, given in always.items() if given}
    if method.policy.idempotency_key:
        found["Idempotent-Replayed"] = {"description": "Sent with a repeat of the first answer.", "schema": _TRUE}
    return found


def replayed(method: Method) -> Schema:
    """The headers of a success that an earlier call had already."""
    return {**answered(method), "Idempotent-Replayed": {"required": True, "schema": _TRUE}}


def answers_not_modified(method: Method, rule: HttpRule) -> bool:
    return rule.verb == "GET" and bool(method.policy.rest.etag_field)


def takes_if_match(method: Method, rule: HttpRule) -> bool:
    return rule.verb != "GET" and bool(method.policy.rest.if_match_field)


def _parameter(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": dict(schema)}
