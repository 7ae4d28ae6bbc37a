"""The `chat` command line. Each command loads what it needs when it runs, and nothing before."""

import gc
import os
from typing import Annotated

import typer

from cli import audit, keys, users, workspaces

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(users.app, name="users")
app.add_typer(workspaces.app, name="workspaces")


@app.callback()
def chat() -> None:
    """Massive Scale Chat."""


@app.command()
def serve(
    services: Annotated[
        list[str] | None, typer.Argument(help="What this process hosts: facade, user, message. All when none is named.")
    ] = None,
) -> None:
    """Hosts services until it is told to stop (SIGINT or SIGTERM)."""
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # Its own notices are not for who reads our log.
    gc.disable()  # Until it has started: what is loaded stays.
    from cli.serve import main

    raise typer.Exit(main(services or []))


if __name__ == "__main__":
    app()
