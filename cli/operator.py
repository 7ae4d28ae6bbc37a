"""How the commands of the operator reach the services: over gRPC, proven by the secret of the installation."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import grpc
import typer

from mesh.call.channel import MeshChannel, open_tcp
from mesh.call.status import from_rpc_error
from mesh.errors import Error
from mesh.identity.proof import Proofs
from mesh.sealing import installation_secret, is_installed
from mesh.settings import Settings
from mesh.telemetry.metrics import Metrics, new_registry

FAILED = 2
"""The exit code of a command that could not be carried out."""

T = TypeVar("T")


def ask(service: str, call: Callable[[grpc.aio.Channel], Awaitable[T]]) -> T:
    """What `call` answers on a channel to a service, at CHAT_<SERVICE>_ADDRESS or else at CHAT_GRPC.

    When that fails, it says why and ends the command.
    """
    try:
        settings = Settings()
        if not is_installed(settings):
            fail(f"there is no installation in {settings.data}: set CHAT_DATA, or CHAT_SECRET to its secret")
        return asyncio.run(_ask(settings, service, call))
    except ValueError as error:
        fail(str(error))
    except Error as error:
        fail(f"{error.message} ({error.reason})")


def fail(why: str) -> NoReturn:
    print(f"chat: {why}", file=sys.stderr)  # noqa: T201
    raise typer.Exit(FAILED)


async def _ask(settings: Settings, service: str, call: Callable[[grpc.aio.Channel], Awaitable[T]]) -> T:
    tcp = open_tcp(settings.address(service) or settings.grpc, service)
    async with MeshChannel(tcp, Metrics(new_registry()), Proofs(installation_secret(settings))) as channel:
        try:
            return await call(channel)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
