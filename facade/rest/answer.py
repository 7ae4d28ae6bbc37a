"""From the response message of a unary RPC to an HTTP answer."""

import re
from typing import Any
from urllib.parse import quote

import orjson
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response

from facade.descriptors import HttpRule, Method
from facade.rest.call import Answered
from facade.rest.conditional import is_known
from facade.translate import Encoder

_FIELD = re.compile(r"{(\w+)}")


class Answer:
    """How successes of one binding look. Raises ValueError for a contract that names an unknown field."""

    def __init__(self, method: Method, rule: HttpRule, encoder: Encoder) -> None:
        self._encode = encoder.of(method.descriptor.output_type)
        self._unwrap = rule.response_body
        self._rest = method.policy.rest
        self._reads = rule.verb == "GET"
        self._status = self._rest.success or 200
        _check_fields(method, rule)

    def body(self, message: Message) -> Any:
        """The JSON value of a response message."""
        body = self._encode(message)
        return body[self._unwrap] if self._unwrap else body

    def __call__(self, request: Request, answered: Answered) -> Response:
        message, status = answered.message, self._status
        body, headers = self.body(message), {"Cache-Control": "no-store", **answered.headers}
        if self._rest.location:
            headers["Location"] = _FIELD.sub(lambda m: quote(str(body[m[1]]), safe=""), self._rest.location)
        if self._rest.etag_field:
            headers["ETag"] = f'"{body[self._rest.etag_field]}"'
        if self._rest.replayed_field and getattr(message, self._rest.replayed_field):
            headers["Idempotent-Replayed"], status = "true", 200
        if self._reads and "ETag" in headers and is_known(request, headers["ETag"]):
            status = 304
        if status in (204, 304):
            return Response(status_code=status, headers=headers)
        return Response(orjson.dumps(body), status, headers, "application/json")


def _check_fields(method: Method, rule: HttpRule) -> None:
    response, rest = method.descriptor.output_type, method.policy.rest
    outer = {rule.response_body, rest.replayed_field} - {""}
    wrapped = response.fields_by_name.get(rule.response_body)
    shown = wrapped.message_type if wrapped is not None else response
    inner = {*_FIELD.findall(rest.location), rest.etag_field} - {""}
    unknown = (outer - set(response.fields_by_name)) | (inner - set(shown.fields_by_name if shown else ()))
    if unknown:
        raise ValueError(f"{method.path}: no field {', '.join(sorted(unknown))} in what it answers")
