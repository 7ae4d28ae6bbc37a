"""Reads the JSON body of a request, within bounds."""

from typing import Any

import orjson
from starlette.requests import Request

from facade.problems import BodyTooLarge, UnsupportedMediaType
from mesh.errors import Invalid

MAX_BODY = 256 * 1024
"""Bytes. The largest legal request is a fifth of it."""


async def read_json(request: Request) -> Any:
    """The body, or None when there is none. Raises BodyTooLarge, UnsupportedMediaType, or Invalid (MALFORMED_JSON)."""
    body = await _read(request)
    if not body:
        return None
    _check_type(request.headers.get("content-type", ""))
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Invalid("MALFORMED_JSON", f"The body is not valid JSON at {where}: {error.msg}.") from None


async def _read(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise _too_large()
    return bytes(body)


def _too_large() -> BodyTooLarge:
    return BodyTooLarge("BODY_TOO_LARGE", f"The body may have at most {MAX_BODY} bytes.")


def _check_type(header: str) -> None:
    media_type, *parameters = (part.strip().lower() for part in header.split(";"))
    charsets = [p.removeprefix("charset=").strip('"') for p in parameters if p.startswith("charset=")]
    is_json = media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    if not is_json or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise UnsupportedMediaType("UNSUPPORTED_MEDIA_TYPE", "Send the body as `application/json` in UTF-8.")
