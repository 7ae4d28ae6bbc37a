"""Workspaces, and what accounts and trust need: sessions that are revoked, keys, links, mails, blocks and the audit."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NEW_OF_USERS = (
    ("workspace_id", sa.String(32), "default"),
    ("kind", sa.String(8), "person"),
    ("status_text", sa.String(100), ""),
    ("status_emoji", sa.String(16), ""),
    ("version", sa.Integer(), "1"),
    ("totp_secret", sa.LargeBinary(), ""),
    ("totp_step", sa.BigInteger(), "0"),
    ("name_key", sa.String(301), ""),
)
NEW_OF_OTHERS = {
    "sessions": (("workspace_id", sa.String(32), "default"), ("address", sa.String(45), "")),
    "user_changes": (("workspace_id", sa.String(32), "default"),),
}


def upgrade() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workspaces"),
    )
    now = int(time.time() * 1_000_000)
    op.execute(f"INSERT INTO workspaces (id, name, created_at) VALUES ('default', 'Default', {now})")  # noqa: S608
    with op.batch_alter_table("users") as users:
        for name, kind, default in NEW_OF_USERS:
            users.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        for name, kind in (("erased_at", sa.BigInteger()), ("status_expires_at", sa.BigInteger())):
            users.add_column(sa.Column(name, kind))
        users.add_column(sa.Column("owner_id", sa.String(36)))
        users.alter_column("email_key", existing_type=sa.String(254), nullable=True)
        users.drop_constraint("uq_users_username", type_="unique")
        users.drop_constraint("uq_users_email_key", type_="unique")
        users.create_unique_constraint("uq_users_workspace_id_username", ["workspace_id", "username"])
        users.create_unique_constraint("uq_users_workspace_id_email_key", ["workspace_id", "email_key"])
        users.create_foreign_key("fk_users_workspace_id", "workspaces", ["workspace_id"], ["id"])
        users.create_foreign_key("fk_users_owner_id", "users", ["owner_id"], ["id"])
    for table, columns in NEW_OF_OTHERS.items():
        with op.batch_alter_table(table) as altered:
            for name, kind, default in columns:
                altered.add_column(sa.Column(name, kind, nullable=False, server_default=default))
    _name_keys()
    for table, filled in {"users": NEW_OF_USERS, **NEW_OF_OTHERS}.items():
        with op.batch_alter_table(table) as altered:
            for name, kind, _ in filled:
                altered.alter_column(name, existing_type=kind, server_default=None)
    _sessions()
    _mails()
    _keys()
    _logs()


def downgrade() -> None:
    for table in (
        "idempotency_keys",
        "audit_head",
        "audit",
        "oauth_states",
        "identities",
        "api_keys",
        "recovery_codes",
        "blocks",
        "mails",
        "login_failures",
        "links",
        "signing_keys",
        "revocation_head",
        "revocations",
        "tickets",
    ):
        op.drop_table(table)
    for table, columns in NEW_OF_OTHERS.items():
        with op.batch_alter_table(table) as altered:
            for name, _, _ in columns:
                altered.drop_column(name)
    # Bots and who was erased have no mail address, which was needed before.
    op.execute("UPDATE users SET email_key = id WHERE email_key IS NULL")
    with op.batch_alter_table("users") as users:
        users.drop_constraint("fk_users_owner_id", type_="foreignkey")
        users.drop_constraint("fk_users_workspace_id", type_="foreignkey")
        users.drop_constraint("uq_users_workspace_id_username", type_="unique")
        users.drop_constraint("uq_users_workspace_id_email_key", type_="unique")
        for name in (*(name for name, _, _ in NEW_OF_USERS), "erased_at", "status_expires_at", "owner_id"):
            users.drop_column(name)
        users.alter_column("email_key", existing_type=sa.String(254), nullable=False)
        users.create_unique_constraint("uq_users_username", ["username"])
        users.create_unique_constraint("uq_users_email_key", ["email_key"])
    op.drop_table("workspaces")


def _name_keys() -> None:
    users = sa.table("users", sa.column("id"), sa.column("full_name"), sa.column("name_key"))
    for row in op.get_bind().execute(sa.select(users.c.id, users.c.full_name)).all():
        key = "".join(f" {word}" for word in row.full_name.casefold().split())
        op.execute(sa.update(users).where(users.c.id == row.id).values(name_key=key))


def _sessions() -> None:
    op.create_table(
        "tickets",
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("session_id", sa.String(36), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_tickets"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tickets_user_id"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_tickets_session_id"),
    )
    op.create_index("ix_tickets_expires_at", "tickets", ["expires_at"])
    op.create_table(
        "revocations",
        sa.Column("position", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("session_id", sa.String(36), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_revocations"),
    )
    op.create_index("ix_revocations_expires_at", "revocations", ["expires_at"])
    op.create_table(
        "revocation_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocation_head"),
    )
    op.execute("INSERT INTO revocation_head (id, position) VALUES (1, 0)")


def _mails() -> None:
    op.create_table(
        "links",
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("bound_to", sa.LargeBinary(32), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_links"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_links_user_id"),
    )
    op.create_index("ix_links_user_id", "links", ["user_id"])
    op.create_index("ix_links_expires_at", "links", ["expires_at"])
    op.create_table(
        "login_failures",
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("blocked_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_login_failures"),
    )
    op.create_index("ix_login_failures_last_at", "login_failures", ["last_at"])
    op.create_table(
        "mails",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("sent_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
    )
    op.create_index("ix_mails_user_id", "mails", ["user_id"])
    op.create_index("ix_mails_next_at", "mails", ["next_at"])
    op.create_table(
        "blocks",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("blocked_id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "blocked_id", name="pk_blocks"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_blocks_user_id"),
        sa.ForeignKeyConstraint(["blocked_id"], ["users.id"], name="fk_blocks_blocked_id"),
    )
    op.create_index("ix_blocks_blocked_id", "blocks", ["blocked_id"])


def _keys() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(64), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("signs_from", sa.BigInteger(), nullable=False),
        sa.Column("gone_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "hash", name="pk_recovery_codes"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_recovery_codes_user_id"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("scopes", sa.String(500), nullable=False),
        sa.Column("created_by", sa.String(36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_keys_user_id"),
        sa.UniqueConstraint("hash", name="uq_api_keys_hash"),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"])
    op.create_table(
        "identities",
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "issuer", "subject", name="pk_identities"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_identities_user_id"),
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"])
    op.create_table(
        "oauth_states",
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_oauth_states"),
    )
    op.create_index("ix_oauth_states_expires_at", "oauth_states", ["expires_at"])


def _logs() -> None:
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
