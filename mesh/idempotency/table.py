"""The table of idempotency keys. Each service keeps those of its own calls."""

from sqlalchemy import Column, LargeBinary, MetaData, String, Table

from mesh.schema import Instant


def idempotency_table(metadata: MetaData) -> Table:
    return Table(
        "idempotency_keys",
        metadata,
        # Of the method, the caller and the key.
        Column("hash", LargeBinary(32), primary_key=True),
        Column("workspace_id", String(32), nullable=False),
        # Of the request: the same key with another one is a mistake.
        Column("fingerprint", LargeBinary(32), nullable=False),
        # Until then the first call may still run.
        Column("leased_until", Instant, nullable=False),
        Column("expires_at", Instant, nullable=False, index=True),
        # The answer, sealed with the key itself, which nobody keeps here; NULL while there is none.
        Column("answer", LargeBinary),
    )
