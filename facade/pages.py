"""The pages that people see, as they lie in `web/`."""

from pathlib import Path

from starlette.responses import FileResponse, RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

WEB = Path(__file__).resolve().parent.parent / "web"
ACCOUNT = ("/account", "/account/verify", "/account/reset", "/account/unlock")
"""One page, which looks at its own address: mails link to all but the first."""


def page_routes() -> list[BaseRoute]:
    return [
        Route("/", _home),
        page("/demo", "demo"),
        page("/docs", "docs"),
        *(page(path, "account") for path in ACCOUNT),
        Mount("/web", StaticFiles(directory=WEB)),
    ]


def page(path: str, folder: str) -> Route:
    """The page in `folder`; browsers ask each time whether it is still the same."""

    async def serve(_: object) -> FileResponse:
        return FileResponse(WEB / folder / "index.html", headers={"Cache-Control": "no-cache"})

    return Route(path, serve)


async def _home(_: object) -> RedirectResponse:
    return RedirectResponse("/demo")
