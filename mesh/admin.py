"""The admin port: health, readiness and metrics, for those who run the process. It is not for clients."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SERVING, NOT_SERVING = "serving", "not-serving"


def health_route(health: Callable[[], Mapping[str, str]]) -> Route:
    """`GET /health`: 200 while every hosted service serves, with the state of each by name."""

    async def get_health(_request: Request) -> Response:
        services = dict(health())
        well = all(state == SERVING for state in services.values())
        body = {"status": SERVING if well else NOT_SERVING, "services": services}
        return JSONResponse(body, status_code=200 if well else 503)

    return Route("/health", get_health)


def admin_app(
    health: Callable[[], Mapping[str, str]], ready: Callable[[], bool], registry: CollectorRegistry
) -> Starlette:
    """`GET /health`, `/ready` and `/metrics`.

    `health` tells the state of each service hosted here: `serving`, or what it does instead. `ready` turns false when
    the process drains, while what it hosts still serves: balancers should send nothing new.
    """

    async def get_ready(_request: Request) -> Response:
        is_ready = ready()
        return JSONResponse({"ready": is_ready}, status_code=200 if is_ready else 503)

    # Not async: Starlette then runs it in a thread, and a long exposition does not hold up the loop.
    def get_metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return Starlette(routes=[health_route(health), Route("/ready", get_ready), Route("/metrics", get_metrics)])
