"""The tables of an audit log. Each service that notes something has its own, written with the effect it tells of."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

from mesh.schema import Instant


def audit_tables(metadata: MetaData) -> tuple[Table, Table]:
    """The log, and the one row that says where it ends: locking it gives entries their order."""
    log = Table(
        "audit",
        metadata,
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("at", Instant, nullable=False),
        Column("workspace_id", String(32), nullable=False),
        Column("action", String(48), nullable=False),
        Column("result", String(48), nullable=False),
        Column("actor_id", String(36), nullable=False),
        Column("subject_id", String(36), nullable=False),
        Column("address", String(45), nullable=False),
        Column("trace_id", String(32), nullable=False),
        # JSON object of texts, keys sorted.
        Column("detail", Text, nullable=False),
        Column("hash", LargeBinary(32), nullable=False),
        Index(None, "workspace_id", "seq"),
        Index(None, "workspace_id", "action", "seq"),
        Index(None, "workspace_id", "actor_id", "seq"),
        Index(None, "workspace_id", "subject_id", "seq"),
    )
    head = Table(
        "audit_head",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("seq", BigInteger, nullable=False),
        Column("hash", LargeBinary(32), nullable=False),
    )
    return log, head
