"""`chat users`: who has which rights, set by the operator: how the first admin is made."""

from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


class Role(StrEnum):
    """Rights across a workspace."""

    ADMIN = "admin"
    USER = "user"


@app.callback()
def users() -> None:
    """The users of the installation."""


@app.command()
def grant(
    username: Annotated[str, typer.Argument(help="The user's handle.")],
    role: Annotated[Role, typer.Argument(help="What the user may do from now on.")],
    workspace: Annotated[str, typer.Option(help="The user's workspace.")] = "default",
) -> None:
    """Makes a user an admin of the workspace, or no longer one. All sessions of the user end by it."""
    from chat.user.v1.administration_service_pb2 import GrantRoleRequest
    from chat.user.v1.administration_service_pb2_grpc import AdministrationServiceStub
    from chat.user.v1.user_pb2 import USER_ROLE_ADMIN, USER_ROLE_USER
    from cli.operator import ask

    wanted = {Role.ADMIN: USER_ROLE_ADMIN, Role.USER: USER_ROLE_USER}[role]
    request = GrantRoleRequest(username=username, workspace_id=workspace, role=wanted)
    granted = ask("user", lambda channel: AdministrationServiceStub(channel).GrantRole(request))
    typer.echo(f"{granted.user.username} in {workspace} has the role {role}")
