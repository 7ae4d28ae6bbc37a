"""Channels, settings and preferences; threads, reactions, pins and mentions; what people keep for themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NEW = {
    "conversations": (
        ("name_key", sa.String(300), ""),
        ("avatar", sa.String(500), ""),
        ("visibility", sa.SmallInteger(), "1"),
        ("join_policy", sa.SmallInteger(), "1"),
        ("post_role", sa.SmallInteger(), "3"),
        ("invite_role", sa.SmallInteger(), "2"),
        ("mention_role", sa.SmallInteger(), "2"),
        ("pin_role", sa.SmallInteger(), "3"),
        ("slow_mode_s", sa.Integer(), "0"),
        ("blocked", sa.SmallInteger(), "0"),
        ("indexed_pos", sa.BigInteger(), "0"),
    ),
    "members": (
        ("receipt_seq", sa.BigInteger(), "0"),
        ("delivered_seq", sa.BigInteger(), "0"),
        ("notify", sa.SmallInteger(), "1"),
        ("favourite", sa.Boolean(), sa.false()),
        ("hidden_seq", sa.BigInteger(), "-1"),
    ),
    "messages": (
        ("format", sa.SmallInteger(), "1"),
        ("html", sa.Text(), ""),
        ("attachments", sa.Text(), ""),
        ("mentions", sa.Text(), ""),
        ("mentions_all", sa.Boolean(), sa.false()),
        ("thread_root", sa.String(36), ""),
        ("reply_count", sa.Integer(), "0"),
        ("last_reply_seq", sa.BigInteger(), "0"),
        ("reactions", sa.Text(), ""),
        ("silent", sa.Boolean(), sa.false()),
        ("forwarded", sa.Text(), ""),
        ("previews", sa.Text(), ""),
        ("poll", sa.Text(), ""),
        ("revision", sa.Integer(), "1"),
    ),
    "message_versions": (("html", sa.Text(), ""),),
    "user_changes": (("published", sa.SmallInteger(), "1"),),
}
NEW_MOMENTS = {
    "conversations": ("archived_at", "deleted_at"),
    "members": ("last_seen_at", "muted_until"),
    "messages": ("pinned_at", "undelete_until", "expires_at"),
}
PARTIAL = (
    ("ix_conversations_ended", "conversations", ["deleted_at"], "deleted_at IS NOT NULL"),
    ("ix_conversations_public", "conversations", ["workspace_id", "id"], "visibility = 2"),
    ("ix_messages_deleted", "messages", ["conversation_id", "seq", "sender_id"], "deleted_at IS NOT NULL"),
    ("ix_messages_mentions_all", "messages", ["conversation_id", "seq", "sender_id"], "mentions_all"),
    ("ix_messages_thread", "messages", ["thread_root", "seq", "sender_id", "deleted_at"], "thread_root <> ''"),
    ("ix_messages_expiring", "messages", ["expires_at"], "expires_at IS NOT NULL AND deleted_at IS NULL"),
    ("ix_user_changes_unpublished", "user_changes", ["user_id", "pos"], "published = 0"),
)
TABLES = (
    "thread_marks",
    "reports",
    "group_members",
    "groups_of_people",
    "bans",
    "invites",
    "scheduled",
    "drafts",
    "bookmarks",
    "pins",
    "poll_votes",
    "reactions",
    "mentions",
    "deleted_messages",
)


def upgrade() -> None:
    _add_columns()
    op.execute("UPDATE members SET receipt_seq = last_read_seq, delivered_seq = last_read_seq")
    op.drop_index("ix_messages_conversation_id_seq_sender_id_deleted_at", "messages")
    op.create_index("ix_messages_conversation_id_sender_id_seq", "messages", ["conversation_id", "sender_id", "seq"])
    for name, table, columns, condition in PARTIAL:
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    _about_messages()
    _own_things()
    _about_conversations()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for name, table, _, _ in PARTIAL:
        op.drop_index(name, table)
    op.drop_index("ix_messages_conversation_id_sender_id_seq", "messages")
    op.create_index(
        "ix_messages_conversation_id_seq_sender_id_deleted_at",
        "messages",
        ["conversation_id", "seq", "sender_id", "deleted_at"],
    )
    for table, columns in NEW.items():
        with op.batch_alter_table(table) as altered:
            for name in (*(name for name, _, _ in columns), *NEW_MOMENTS.get(table, ())):
                altered.drop_column(name)


def _add_columns() -> None:
    for table, columns in NEW.items():
        with op.batch_alter_table(table) as altered:
            for name, kind, default in columns:
                altered.add_column(sa.Column(name, kind, nullable=False, server_default=default))
            for name in NEW_MOMENTS.get(table, ()):
                altered.add_column(sa.Column(name, sa.BigInteger()))
    # Apart from the above, so that the rows that are there already have a value before the default goes.
    for table, columns in NEW.items():
        with op.batch_alter_table(table) as altered:
            for name, kind, _ in columns:
                altered.alter_column(name, existing_type=kind, server_default=None)


def _about_messages() -> None:
    op.create_table(
        "deleted_messages",
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("attachments", sa.Text(), nullable=False),
        sa.Column("mentions", sa.Text(), nullable=False),
        sa.Column("reactions", sa.Text(), nullable=False),
        sa.Column("forwarded", sa.Text(), nullable=False),
        sa.Column("poll", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_deleted_messages"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_deleted_messages_message_id"),
    )
    op.create_index("ix_deleted_messages_until", "deleted_messages", ["until"])
    op.create_table(
        "mentions",
        sa.Column("conversation_id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", "seq", name="pk_mentions"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_mentions_conversation_id"),
    )
    op.create_index("ix_mentions_message_id", "mentions", ["message_id"])
    op.create_table(
        "reactions",
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("emoji", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "emoji", "user_id", name="pk_reactions"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_reactions_message_id"),
    )
    op.create_index("ix_reactions_message_id_pos", "reactions", ["message_id", "pos"])
    op.create_index("ix_reactions_message_id_emoji_pos", "reactions", ["message_id", "emoji", "pos"])
    op.create_table(
        "poll_votes",
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("option_id", sa.String(8), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "user_id", "option_id", name="pk_poll_votes"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_poll_votes_message_id"),
    )
    op.create_index("ix_poll_votes_message_id_option_id_pos", "poll_votes", ["message_id", "option_id", "pos"])
    op.create_table(
        "pins",
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(36), nullable=False),
        sa.Column("pinned_by", sa.String(36), nullable=False),
        sa.Column("pinned_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_pins"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_pins_message_id"),
    )
    op.create_index(
        "ix_pins_conversation_id_pinned_at_message_id", "pins", ["conversation_id", "pinned_at", "message_id"]
    )


def _own_things() -> None:
    op.create_table(
        "bookmarks",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("conversation_id", sa.String(36), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "message_id", name="pk_bookmarks"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_bookmarks_message_id"),
    )
    op.create_index("ix_bookmarks_message_id", "bookmarks", ["message_id"])
    op.create_index("ix_bookmarks_user_id_created_at_message_id", "bookmarks", ["user_id", "created_at", "message_id"])
    op.create_table(
        "drafts",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(36), nullable=False),
        sa.Column("thread_root", sa.String(36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.String(36), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "conversation_id", "thread_root", name="pk_drafts"),
    )
    op.create_index("ix_drafts_conversation_id", "drafts", ["conversation_id"])
    op.create_index(
        "ix_drafts_user_id_updated_at_conversation_id_thread_root",
        "drafts",
        ["user_id", "updated_at", "conversation_id", "thread_root"],
    )
    op.create_table(
        "scheduled",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("conversation_id", sa.String(36), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("send_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("failure", sa.String(64), nullable=False),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scheduled"),
    )
    is_open = sa.text("state IN (1, 3)")
    columns = ["user_id", "send_at", "id"]
    op.create_index("ix_scheduled_open", "scheduled", columns, sqlite_where=is_open, postgresql_where=is_open)
    due = sa.text("state = 1")
    op.create_index("ix_scheduled_due", "scheduled", ["send_at"], sqlite_where=due, postgresql_where=due)
    op.create_table(
        "thread_marks",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("root_id", sa.String(36), nullable=False),
        sa.Column("conversation_id", sa.String(36), nullable=False),
        sa.Column("last_read_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "root_id", name="pk_thread_marks"),
    )
    op.create_index("ix_thread_marks_conversation_id", "thread_marks", ["conversation_id"])


def _about_conversations() -> None:
    op.create_table(
        "invites",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(32)),
        sa.Column("role", sa.SmallInteger(), nullable=False),
        sa.Column("created_by", sa.String(36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invites"),
        sa.UniqueConstraint("code_hash", name="uq_invites_code_hash"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_invites_conversation_id"),
    )
    op.create_index("ix_invites_expires_at", "invites", ["expires_at"])
    op.create_index("ix_invites_conversation_id_state_id", "invites", ["conversation_id", "state", "id"])
    op.create_index("ix_invites_user_id_state_id", "invites", ["user_id", "state", "id"])
    op.create_table(
        "bans",
        sa.Column("conversation_id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("banned_by", sa.String(36), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", name="pk_bans"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_bans_conversation_id"),
    )
    op.create_index("ix_bans_conversation_id_created_at_user_id", "bans", ["conversation_id", "created_at", "user_id"])
    op.create_table(
        "groups_of_people",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("handle", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_groups_of_people"),
        sa.UniqueConstraint("handle", "workspace_id", name="uq_groups_of_people_handle_workspace_id"),
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_group_members"),
        sa.ForeignKeyConstraint(["group_id"], ["groups_of_people.id"], name="fk_group_members_group_id"),
    )
    op.create_table(
        "reports",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("conversation_id", sa.String(36), nullable=False),
        sa.Column("reporter_id", sa.String(36), nullable=False),
        sa.Column("category", sa.SmallInteger(), nullable=False),
        sa.Column("comment", sa.String(1000), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("resolved_by", sa.String(36), nullable=False),
        sa.Column("resolved_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
        sa.UniqueConstraint("message_id", "reporter_id", name="uq_reports_message_id_reporter_id"),
    )
    op.create_index("ix_reports_workspace_id_id", "reports", ["workspace_id", "id"])
    op.create_index("ix_reports_workspace_id_status_id", "reports", ["workspace_id", "status", "id"])
