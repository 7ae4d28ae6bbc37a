"""From an HTTP request to the request message and metadata of an RPC."""

import re
from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from starlette.datastructures import QueryParams
from starlette.requests import Request

from facade.descriptors import HttpRule, Method
from facade.rest.body import read_json
from facade.translate import Decoder, Violations
from facade.translate.shapes import is_map
from mesh.errors import Invalid, Unauthenticated

UPDATE_MASK = "update_mask"
_PARAMETER = re.compile(r"{(\w+)}")
_CREDENTIALS = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,4096}=*)", re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Binding:
    """Where the fields of a request message come from. Raises ValueError for a rule that names an unknown field."""

    def __init__(self, method: Method, rule: HttpRule, decoder: Decoder) -> None:
        self._kind = method.request
        self._fill = decoder.of(method.descriptor.input_type)
        self._fields = method.descriptor.input_type.fields_by_name
        self._body = rule.body
        self.path = path_parameters(rule)
        unknown = {*self.path, *({rule.body} - {"", "*"})} - set(self._fields)
        if unknown or "{" in _PARAMETER.sub("", rule.path):
            raise ValueError(f"{method.path}: {rule.verb} {rule.path} cannot be bound ({', '.join(unknown)})")
        self.query = query_parameters(method, rule)
        part = self._fields[rule.body].message_type if rule.body not in ("", "*") else None
        beside = {*self.path, UPDATE_MASK, "" if part else method.policy.rest.if_match_field}
        self._maskable = set(part.fields_by_name if part else self._fields) - beside

    async def message(self, request: Request) -> Message:
        """The request message. Raises Invalid with everything that is wrong with it."""
        violations = Violations()
        values = self._query(request.query_params, violations)
        if self._body:
            self._merge(await read_json(request), values, request.path_params, violations)
        for name, text in request.path_params.items():
            values[name] = _parsed(self._fields[name], text)
        message = self._kind()
        self._fill(message, values, "", violations)
        violations.check()
        return message

    def _query(self, given: QueryParams, violations: Violations) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in given:
            field, texts = self.query.get(name), given.getlist(name)
            if field is None:
                violations.unknown("", name, self.query, "query parameter")
            elif field.is_repeated:
                values[name] = [_parsed(field, text) for text in texts]
            elif len(texts) > 1:
                violations.add(f"/{name}", "parameter.repeated", "Must be given once.")
            else:
                values[name] = _parsed(field, texts[0])
        return values

    def _merge(self, body: Any, values: dict[str, Any], path: Mapping[str, str], violations: Violations) -> None:
        """Adds what the body says, and the update mask that follows from its keys."""
        if self._body != "*":
            values[self._body] = body
        elif isinstance(body, dict):
            values |= body
            for name in path:
                _check_same(name, body.get(name), path[name], violations)
        elif body is not None:
            violations.add("", "type.object", "The body must be an object.")
        if UPDATE_MASK in self._fields and values.get(UPDATE_MASK) is None and isinstance(body, dict):
            values[UPDATE_MASK] = ",".join(key for key in body if key in self._maskable)


def path_parameters(rule: HttpRule) -> list[str]:
    return _PARAMETER.findall(rule.path)


def query_parameters(method: Method, rule: HttpRule) -> dict[str, FieldDescriptor]:
    """The fields that may stand in the query: those that are neither in the path nor in the body, and fit into text."""
    taken = {*path_parameters(rule), rule.body}
    fields = method.descriptor.input_type.fields if rule.body != "*" else []
    return {field.name: field for field in fields if field.name not in taken and _fits_text(field)}


def metadata(request: Request, method: Method) -> list[tuple[str, str]]:
    """What travels beside the message.

    Raises Unauthenticated when the credentials are not a bearer token, and Invalid (IDEMPOTENCY_KEY_INVALID).
    """
    pairs = []
    if correlation_id := getattr(request.state, "correlation_id", ""):
        pairs.append(("x-correlation-id", correlation_id))
    if credentials := request.headers.get("authorization"):
        match = _CREDENTIALS.fullmatch(credentials.strip())
        if match is None:
            raise Unauthenticated("TOKEN_INVALID", "The Authorization header must be `Bearer` and an access token.")
        pairs.append(("authorization", f"Bearer {match[1]}"))
    # Where the contract takes none, a repeat does no more than the first call by nature.
    if method.policy.idempotency_key and (keys := request.headers.getlist("idempotency-key")):
        if not _KEY.fullmatch(key := ", ".join(keys)):
            raise Invalid("IDEMPOTENCY_KEY_INVALID", "`Idempotency-Key` must be one of 1 to 255 visible characters.")
        pairs.append(("idempotency-key", key))
    return pairs


def _fits_text(field: FieldDescriptor) -> bool:
    well_known = field.message_type is None or field.message_type.full_name.startswith("google.protobuf.")
    return well_known and not is_map(field)


def _parsed(field: FieldDescriptor, text: str) -> Any:
    """The JSON value that `text` stands for; text that stands for none is left for the decoder to refuse."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return {"true": True, "false": False}.get(text, text)
    if field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _check_same(name: str, in_body: Any, in_path: str, violations: Violations) -> None:
    if in_body is not None and str(in_body) != in_path:
        violations.add(f"/{name}", "path.mismatch", f"`{name}` differs from the one in the path.")
