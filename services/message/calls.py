"""What calls of this service share, whether they come alone or inside a Relay stream."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from mesh.call.context import caller, current
from mesh.telemetry.tracing import traceparent
from services.message.command import Origin


def origin() -> Origin:
    """The call being served. Raises Unauthenticated (TOKEN_MISSING)."""
    context, principal = current(), caller()
    return Origin(
        principal.user_id,
        principal.workspace_id,
        context.correlation_id,
        traceparent(),
        context.deadline,
        context.address,
    )


def named_in(request: Any, fields: Collection[str]) -> list[str]:
    """The fields that the `update_mask` of a request names; without one, those of `fields` that are given."""
    given = {descriptor.name for descriptor, _ in request.ListFields()}
    return list(dict.fromkeys(request.update_mask.paths)) or [field for field in fields if field in given]


@dataclass(frozen=True, slots=True)
class Relayed:
    """A method that Relay streams carry too, in halves between which nobody has to wait in a task."""

    request: type[Message]
    begin: Callable[[Any, Origin], "asyncio.Future[Any]"]
    """Starts the call; raises mesh errors when it cannot start."""
    answer: Callable[[Any], Message]
    """The response, from the future's result."""
