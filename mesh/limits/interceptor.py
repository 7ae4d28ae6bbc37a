"""Charges every call where it is served, so that who calls the services directly is limited like everybody else."""

from dataclasses import replace
from typing import Any

from google.protobuf.message import Message
from grpc_interceptor.server import AsyncServerInterceptor

from mesh.call import context as request_context
from mesh.limits.headers import Left, tightest, written
from mesh.limits.limits import Limits, refusal


class LimitInterceptor(AsyncServerInterceptor):
    """Stands after admission, which says who calls. What is left is told in the trailing metadata, come what may.

    Streams are charged when they open.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    async def intercept(self, method: Any, request_or_iterator: Any, context: Any, method_name: str) -> Any:
        request = request_context.current()
        message = request_or_iterator if isinstance(request_or_iterator, Message) else None
        charges = [] if request.is_counted else self._limits.of_call(method_name, request, message)
        if charges:
            decisions = await self._limits.take(charges)
            told = written([Left.of(tightest(decisions))])
            context.set_trailing_metadata((*(context.trailing_metadata() or ()), *told.items()))
            if error := refusal(decisions):
                raise error
        request_context.bind(replace(request, is_counted=True))
        result = method(request_or_iterator, context)
        return result if hasattr(result, "__aiter__") else await result
