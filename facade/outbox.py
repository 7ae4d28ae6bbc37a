"""The mails that a development server keeps in place of sending them, at `/dev/outbox`."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from facade.pages import page
from facade.problems import problem
from mesh.errors import NotFound
from mesh.service import Show

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""A mail has styles of its own and runs nothing."""
_OPEN_BESIDE = '<base target="_blank">'


def outbox_routes(mails: Show) -> Sequence[Route]:
    """The page, the mails as it asks for them, and the HTML part of each for its frame."""

    async def listed(_: Request) -> JSONResponse:
        return JSONResponse({"items": list(await mails())}, headers={"Cache-Control": "no-store"})

    async def formatted(request: Request) -> Response:
        for mail in await mails():
            if mail["id"] == request.path_params["id"]:
                html = str(mail["html"]).replace("<head>", f"<head>{_OPEN_BESIDE}", 1)
                return HTMLResponse(html, headers={"Cache-Control": "no-store", "Content-Security-Policy": _POLICY})
        return problem(NotFound("ROUTE_NOT_FOUND", "This mail is not kept here, or not any more."), request)

    return [page("/dev/outbox", "outbox"), Route("/dev/outbox.json", listed), Route("/dev/outbox/{id}", formatted)]
