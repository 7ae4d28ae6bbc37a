"""How a browser logs in by an OpenID provider: it is sent there with a cookie, and comes back with a code.

The page that it began at gets a handover in the fragment, which servers never see, and trades it for tokens.
"""

from typing import Any
from urllib.parse import quote

import grpc
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from chat.user.v1.oauth_service_pb2 import FinishOAuthRequest, StartOAuthRequest
from chat.user.v1.oauth_service_pb2_grpc import OAuthServiceStub
from facade.problems import problem
from facade.trailers import headers
from mesh.call.status import from_rpc_error
from mesh.service import ChannelFor

COOKIE = "oauth_binding"
COOKIE_PATH = "/api/users/oauth"
START, CALLBACK = (f"{COOKIE_PATH}/{{provider}}/{step}" for step in ("start", "callback"))


class OAuthRoutes:
    """`public_url` tells whether browsers come by TLS."""

    def __init__(self, channel_for: ChannelFor, public_url: str) -> None:
        self._channel_for = channel_for
        self._is_secure = public_url.startswith("https://")

    def routes(self) -> list[Route]:
        return [Route(START, self._start), Route(CALLBACK, self._callback)]

    async def _start(self, request: Request) -> Response:
        asked = StartOAuthRequest(
            provider=request.path_params["provider"],
            return_to=request.query_params.get("return_to", ""),
            workspace_id=request.query_params.get("workspace_id", ""),
        )
        begun = await self._service.StartOAuth(asked)
        answer = _redirect(begun.authorization_url)
        # Lax: the provider sends the browser back by a link of another site.
        answer.set_cookie(
            COOKIE,
            begun.binding,
            max_age=begun.expires_in,
            path=COOKIE_PATH,
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    async def _callback(self, request: Request) -> Response:
        said = request.query_params
        asked = FinishOAuthRequest(
            provider=request.path_params["provider"],
            state=said.get("state", ""),
            code=said.get("code", ""),
            binding=request.cookies.get(COOKIE, ""),
            error=said.get("error", "")[:200],
            issuer=said.get("iss", ""),
        )
        try:
            done = await self._service.FinishOAuth(asked)
        except grpc.aio.AioRpcError as caught:
            error = from_rpc_error(caught)
            if not (page := error.metadata.get("return_to")):
                return problem(error, request, headers(caught.trailing_metadata()))
            answer = _redirect(f"{page}#problem={error.reason}")
        else:
            answer = _redirect(f"{done.return_to}#handover={quote(done.handover, safe='')}")
        answer.delete_cookie(COOKIE, path=COOKIE_PATH, secure=self._is_secure, httponly=True, samesite="lax")
        return answer

    @property
    def _service(self) -> Any:
        return OAuthServiceStub(self._channel_for("user"))


def operations() -> dict[str, dict[str, Any]]:
    """What the OpenAPI document says about the routes."""
    return {
        START: _operation(
            "Start",
            "Sends the browser to an OpenID provider.",
            ("provider", "path", "Name of the provider."),
            ("return_to", "query", "The page of ours to go to afterwards; `/account` when empty."),
            ("workspace_id", "query", "The workspace; `default` when empty."),
        ),
        CALLBACK: _operation(
            "Callback",
            "Where the provider sends the browser back to: it goes on to `return_to#handover=…`, or `#problem=…`.",
            ("provider", "path", "Name of the provider."),
            *((name, "query", "As the provider says it.") for name in ("state", "code", "error", "iss")),
        ),
    }


def _operation(name: str, description: str, *parameters: tuple[str, str, str]) -> dict[str, Any]:
    text = {"type": "string"}
    location = {"Location": {"required": True, "schema": text}}
    return {
        "operationId": f"OAuthService_{name}",
        "tags": ["OAuthService"],
        "summary": description.split(":")[0].rstrip("."),
        "description": description,
        "security": [],
        "parameters": [
            {"name": name, "in": place, "required": place == "path", "description": what, "schema": text}
            for name, place, what in parameters
        ],
        "responses": {
            "302": {"description": "Go there.", "headers": location},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }


def _redirect(url: str) -> RedirectResponse:
    return RedirectResponse(url, status_code=302, headers={"Cache-Control": "no-store"})
