"""`chat workspaces`: the workspaces of the installation, made and listed by its operator."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def workspaces() -> None:
    """The workspaces of the installation."""


@app.command()
def create(
    workspace: Annotated[str, typer.Argument(help="Its id for ever: 1 to 32 of a-z, 0-9 and -.", metavar="ID")],
    name: Annotated[str, typer.Option(help="The name to show; the id when empty.")] = "",
) -> None:
    """Makes a workspace, which people then register in."""
    from chat.user.v1.workspace_service_pb2 import CreateWorkspaceRequest
    from chat.user.v1.workspace_service_pb2_grpc import WorkspaceServiceStub
    from cli.operator import ask

    request = CreateWorkspaceRequest(id=workspace, name=name)
    made = ask("user", lambda channel: WorkspaceServiceStub(channel).CreateWorkspace(request)).workspace
    typer.echo(f"{made.id}  {made.name}")


@app.command("list")
def list_all() -> None:
    """Lists all workspaces by id: id and name."""
    from chat.user.v1.workspace_service_pb2 import ListWorkspacesRequest, ListWorkspacesResponse
    from chat.user.v1.workspace_service_pb2_grpc import WorkspaceServiceStub
    from cli.operator import ask

    def page_at(cursor: str) -> ListWorkspacesResponse:
        request = ListWorkspacesRequest(cursor=cursor, limit=100)
        return ask("user", lambda channel: WorkspaceServiceStub(channel).ListWorkspaces(request))

    page = page_at("")
    while True:
        for workspace in page.items:
            typer.echo(f"{workspace.id:<32}  {workspace.name}")
        if not page.page.has_more:
            return
        page = page_at(page.page.next_cursor)
