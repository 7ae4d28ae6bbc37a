"""What only the development environment shows: the seeded users and the traces kept in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from facade.problems import problem
from mesh.errors import NotFound


@dataclass(frozen=True, slots=True)
class DevRoutes:
    """`users` share `password`; `trace` finds the spans of a trace by its id."""

    users: Sequence[str]
    password: str
    trace: Callable[[str], list[dict[str, Any]]]

    def routes(self) -> list[Route]:
        return [Route("/dev/seed", self._seed), Route("/dev/traces/{trace_id}", self._trace)]

    async def _seed(self, _: Request) -> JSONResponse:
        return JSONResponse(
            {"users": list(self.users), "password": self.password}, headers={"Cache-Control": "no-store"}
        )

    async def _trace(self, request: Request) -> Any:
        spans = self.trace(request.path_params["trace_id"])
        if not spans:
            return problem(NotFound("TRACE_NOT_FOUND", "This trace is not kept here, or not any more."), request)
        return JSONResponse({"trace_id": request.path_params["trace_id"], "spans": spans})
