"""What only the development environment shows: the seeded users, the traces kept in memory, and the mails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from facade.outbox import outbox_routes
from facade.problems import problem
from mesh.errors import NotFound
from mesh.service import Show


@dataclass(frozen=True, slots=True)
class DevRoutes:
    """`users` share `password`; `trace` finds the spans of a trace by its id; `mails` are those that are not sent."""

    users: Sequence[str]
    password: str
    trace: Callable[[str], list[dict[str, Any]]]
    mails: Show | None = None

    def routes(self) -> list[Route]:
        own = [Route("/dev/seed", self._seed), Route("/dev/traces/{trace_id}", self._trace)]
        return [*own, *(outbox_routes(self.mails) if self.mails else ())]

    async def _seed(self, _: Request) -> JSONResponse:
        return JSONResponse(
            {"users": list(self.users), "password": self.password}, headers={"Cache-Control": "no-store"}
        )

    async def _trace(self, request: Request) -> Any:
        spans = self.trace(request.path_params["trace_id"])
        if not spans:
            return problem(NotFound("TRACE_NOT_FOUND", "This trace is not kept here, or not any more."), request)
        return JSONResponse({"trace_id": request.path_params["trace_id"], "spans": spans})
