"""`chat audit`: whether the audit logs are as they were written."""

from typing import Protocol

import typer

app = typer.Typer(no_args_is_help=True)


class Verdict(Protocol):
    """What the services answer."""

    entries: int
    broken_seq: int
    detail: str


@app.callback()
def audit() -> None:
    """The audit logs."""


@app.command()
def verify() -> None:
    """Checks the audit logs of all services. Exit code 1 says that something was changed, removed or put in."""
    from chat.message.v1 import audit_service_pb2 as message
    from chat.message.v1.audit_service_pb2_grpc import AuditServiceStub
    from chat.user.v1 import administration_service_pb2 as user
    from chat.user.v1.administration_service_pb2_grpc import AdministrationServiceStub
    from cli.operator import ask

    verdicts: dict[str, Verdict] = {
        "user": ask("user", lambda channel: AdministrationServiceStub(channel).VerifyAudit(user.VerifyAuditRequest())),
        "message": ask("message", lambda channel: AuditServiceStub(channel).VerifyAudit(message.VerifyAuditRequest())),
    }
    for service, verdict in verdicts.items():
        found = f"broken at entry {verdict.broken_seq}: {verdict.detail}" if verdict.broken_seq else "as written"
        typer.echo(f"{service:<8} {verdict.entries} entries checked, {found}")
    raise typer.Exit(1 if any(verdict.broken_seq for verdict in verdicts.values()) else 0)
