"""`chat keys`: the keys that sign access tokens."""

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def keys() -> None:
    """The keys that sign access tokens."""


@app.command()
def rotate() -> None:
    """Makes a new key. The one before goes on verifying until its last token has ended: nobody notices."""
    from chat.user.v1.key_service_pb2 import RotateKeysRequest
    from chat.user.v1.key_service_pb2_grpc import KeyServiceStub
    from cli.operator import ask

    made = ask("user", lambda channel: KeyServiceStub(channel).RotateKeys(RotateKeysRequest()))
    typer.echo(f"key {made.kid} signs in {made.signs_in} s")
