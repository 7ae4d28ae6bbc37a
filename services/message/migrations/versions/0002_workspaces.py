"""The workspace of every row, versions of conversations, the audit log, and answers kept for idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

WORKSPACE = ("workspace_id", sa.String(32), "default")
NEW = {
    "conversations": (WORKSPACE, ("version", sa.Integer(), "1")),
    "members": (WORKSPACE,),
    "messages": (WORKSPACE,),
    "message_versions": (WORKSPACE,),
    "changes": (WORKSPACE,),
    "user_changes": (WORKSPACE,),
    "user_heads": (WORKSPACE,),
}


def upgrade() -> None:
    for table, columns in NEW.items():
        with op.batch_alter_table(table) as altered:
            for name, kind, default in columns:
                altered.add_column(sa.Column(name, kind, nullable=False, server_default=default))
    # Apart from the above, so that the rows that are there already have a value before the default goes.
    for table, columns in NEW.items():
        with op.batch_alter_table(table) as altered:
            for name, kind, _ in columns:
                altered.alter_column(name, existing_type=kind, server_default=None)
            if table == "conversations":
                altered.drop_constraint("uq_conversations_pair", type_="unique")
                altered.create_unique_constraint("uq_conversations_pair_workspace_id", ["pair", "workspace_id"])
    _audit()
    _idempotency_keys()


def downgrade() -> None:
    for table in ("idempotency_keys", "audit_head", "audit"):
        op.drop_table(table)
    for table, columns in NEW.items():
        with op.batch_alter_table(table) as altered:
            if table == "conversations":
                altered.drop_constraint("uq_conversations_pair_workspace_id", type_="unique")
                altered.create_unique_constraint("uq_conversations_pair", ["pair"])
            for name, _, _ in columns:
                altered.drop_column(name)


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("action", sa.String(48), nullable=False),
        sa.Column("result", sa.String(48), nullable=False),
        sa.Column("actor_id", sa.String(36), nullable=False),
        sa.Column("subject_id", sa.String(36), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("trace_id", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_workspace_id_seq", "audit", ["workspace_id", "seq"])
    op.create_index("ix_audit_workspace_id_action_seq", "audit", ["workspace_id", "action", "seq"])
    op.create_index("ix_audit_workspace_id_actor_id_seq", "audit", ["workspace_id", "actor_id", "seq"])
    op.create_index("ix_audit_workspace_id_subject_id_seq", "audit", ["workspace_id", "subject_id", "seq"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    head = sa.table("audit_head", sa.column("id"), sa.column("seq"), sa.column("hash", sa.LargeBinary))
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": bytes(32)}])


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("hash", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])
