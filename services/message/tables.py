"""The tables of the message service. One transaction writes most of them, so they stand together."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mesh.audit.table import audit_tables
from mesh.idempotency.table import idempotency_table
from mesh.schema import Instant, new_metadata

metadata = new_metadata()

audit, audit_head = audit_tables(metadata)
idempotency_keys = idempotency_table(metadata)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("name", String(100), nullable=False),
    Column("topic", String(500), nullable=False),
    # The two people of a dm, so that a pair has one; NULL for groups, which a unique index lets repeat.
    Column("pair", String(73)),
    Column("created_by", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("member_count", Integer, nullable=False),
    # Raised by every change but messages; the etag is made of it.
    Column("version", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_pos", BigInteger, nullable=False),
    # The pair first: an index that began with the workspace would be taken for lookups by id, and read all of it.
    UniqueConstraint("pair", "workspace_id"),
)

members = Table(
    "members",
    metadata,
    Column("conversation_id", String(36), ForeignKey("conversations.id"), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), primary_key=True),
    Column("role", SmallInteger, nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("last_read_seq", BigInteger, nullable=False),
    Index(None, "user_id", "conversation_id"),
    Index(None, "conversation_id", "joined_at", "user_id"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("conversation_id", String(36), ForeignKey("conversations.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("sender_id", String(36), nullable=False),
    Column("client_msg_id", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("reply_to", String(36), nullable=False),
    Column("metadata", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("edited_at", Instant),
    Column("deleted_at", Instant),
    Column("deleted_by", String(36), nullable=False),
    # Of the request that made it, whatever became of the text.
    Column("fingerprint", LargeBinary(32), nullable=False),
    UniqueConstraint("conversation_id", "seq"),
    UniqueConstraint("conversation_id", "sender_id", "client_msg_id"),
    # Answers what somebody has not read without touching the rows.
    Index(None, "conversation_id", "seq", "sender_id", "deleted_at"),
)

message_versions = Table(
    "message_versions",
    metadata,
    Column("message_id", String(36), ForeignKey("messages.id"), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("version", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

# The log of each conversation, and at the same time the outbox. Changes of a message refer to it, so that an erased
# text never comes back; others keep a small body of their own.
changes = Table(
    "changes",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("workspace_id", String(32), nullable=False),
    Column("conversation_id", String(36), nullable=False),
    Column("pos", BigInteger, nullable=False),
    Column("type", String(32), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("message_id", String(36)),
    Column("actor_id", String(36), nullable=False),
    Column("subject_id", String(36), nullable=False),
    Column("at", Instant, nullable=False),
    Column("traceparent", String(55), nullable=False),
    Column("correlation_id", String(128), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("published", SmallInteger, nullable=False),
    UniqueConstraint("conversation_id", "pos"),
)

Index(
    "ix_changes_unpublished",
    changes.c.id,
    sqlite_where=text("published = 0"),
    postgresql_where=text("published = 0"),
)

user_changes = Table(
    "user_changes",
    metadata,
    Column("user_id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("pos", BigInteger, primary_key=True),
    Column("type", String(32), nullable=False),
    Column("conversation_id", String(36), nullable=False),
    Column("actor_id", String(36), nullable=False),
    Column("at", Instant, nullable=False),
    Column("traceparent", String(55), nullable=False),
    Column("correlation_id", String(128), nullable=False),
    Column("body", LargeBinary, nullable=False),
)

user_heads = Table(
    "user_heads",
    metadata,
    Column("user_id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("last_pos", BigInteger, nullable=False),
)
