"""The tables of the message service. One transaction writes most of them, so they stand together."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    # The name whatever the case: public channels are found by how it begins.
    Column("name_key", String(300), nullable=False),
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
    Column("avatar", String(500), nullable=False),
    Column("visibility", SmallInteger, nullable=False),
    Column("join_policy", SmallInteger, nullable=False),
    Column("post_role", SmallInteger, nullable=False),
    Column("invite_role", SmallInteger, nullable=False),
    Column("mention_role", SmallInteger, nullable=False),
    Column("pin_role", SmallInteger, nullable=False),
    Column("slow_mode_s", Integer, nullable=False),
    Column("archived_at", Instant),
    Column("deleted_at", Instant),
    # Which of the two people of a dm refuse to hear from the other: 1 the first of the pair, 2 the second, 3 both.
    Column("blocked", SmallInteger, nullable=False),
    # Up to where the log is in the search index.
    Column("indexed_pos", BigInteger, nullable=False, default=0),
    # The pair first: an index that began with the workspace would be taken for lookups by id, and read all of it.
    UniqueConstraint("pair", "workspace_id"),
)

Index(
    "ix_conversations_public",
    conversations.c.workspace_id,
    conversations.c.id,
    sqlite_where=text("visibility = 2"),
    postgresql_where=text("visibility = 2"),
)

Index(
    "ix_conversations_ended",
    conversations.c.deleted_at,
    sqlite_where=text("deleted_at IS NOT NULL"),
    postgresql_where=text("deleted_at IS NOT NULL"),
)

members = Table(
    "members",
    metadata,
    Column("conversation_id", String(36), ForeignKey("conversations.id"), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), primary_key=True),
    Column("role", SmallInteger, nullable=False),
    Column("joined_at", Instant, nullable=False),
    # Up to where the member has read by their own account, which may go back.
    Column("last_read_seq", BigInteger, nullable=False),
    # Up to where others know that they have read and received, which never goes back.
    Column("receipt_seq", BigInteger, nullable=False),
    Column("delivered_seq", BigInteger, nullable=False),
    Column("last_seen_at", Instant),
    Column("muted_until", Instant),
    Column("notify", SmallInteger, nullable=False),
    Column("favourite", Boolean, nullable=False),
    # Hidden while nothing was written after this number; -1 when not.
    Column("hidden_seq", BigInteger, nullable=False),
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
    Column("format", SmallInteger, nullable=False),
    Column("html", Text, nullable=False),
    # The next two are JSON, empty for none.
    Column("attachments", Text, nullable=False),
    Column("mentions", Text, nullable=False),
    # Whether it calls everybody.
    Column("mentions_all", Boolean, nullable=False),
    Column("thread_root", String(36), nullable=False),
    # Of the thread that hangs on it.
    Column("reply_count", Integer, nullable=False),
    Column("last_reply_seq", BigInteger, nullable=False),
    # JSON, empty for none: a projection of the table of reactions.
    Column("reactions", Text, nullable=False),
    Column("pinned_at", Instant),
    Column("silent", Boolean, nullable=False),
    Column("undelete_until", Instant),
    # When it becomes a tombstone by itself.
    Column("expires_at", Instant),
    # JSON, empty for none: what it passes on, as that was then.
    Column("forwarded", Text, nullable=False),
    # JSON, empty for none.
    Column("previews", Text, nullable=False),
    # JSON, empty for none: what it asks, and a projection of the table of votes.
    Column("poll", Text, nullable=False),
    # Raised by everything that changes what is shown of it.
    Column("revision", Integer, nullable=False),
    # Of the request that made it, whatever became of the text.
    Column("fingerprint", LargeBinary(32), nullable=False),
    UniqueConstraint("conversation_id", "seq"),
    UniqueConstraint("conversation_id", "sender_id", "client_msg_id"),
    # What somebody wrote after a number: not unread for them, and what slow mode looks at.
    Index(None, "conversation_id", "sender_id", "seq"),
)

Index(
    "ix_messages_deleted",
    messages.c.conversation_id,
    messages.c.seq,
    messages.c.sender_id,
    sqlite_where=text("deleted_at IS NOT NULL"),
    postgresql_where=text("deleted_at IS NOT NULL"),
)

Index(
    "ix_messages_mentions_all",
    messages.c.conversation_id,
    messages.c.seq,
    messages.c.sender_id,
    sqlite_where=text("mentions_all"),
    postgresql_where=text("mentions_all"),
)

Index(
    "ix_messages_thread",
    messages.c.thread_root,
    messages.c.seq,
    messages.c.sender_id,
    messages.c.deleted_at,
    sqlite_where=text("thread_root <> ''"),
    postgresql_where=text("thread_root <> ''"),
)

Index(
    "ix_messages_expiring",
    messages.c.expires_at,
    sqlite_where=text("expires_at IS NOT NULL AND deleted_at IS NULL"),
    postgresql_where=text("expires_at IS NOT NULL AND deleted_at IS NULL"),
)

message_versions = Table(
    "message_versions",
    metadata,
    Column("message_id", String(36), ForeignKey("messages.id"), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("version", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

# What a tombstone said, for as long as the deletion can be taken back.
deleted_messages = Table(
    "deleted_messages",
    metadata,
    Column("message_id", String(36), ForeignKey("messages.id"), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("attachments", Text, nullable=False),
    Column("mentions", Text, nullable=False),
    Column("reactions", Text, nullable=False),
    Column("forwarded", Text, nullable=False),
    Column("poll", Text, nullable=False),
    Column("until", Instant, nullable=False, index=True),
)

# Who a message calls by name, or as one of a group, while it is not deleted; not those whom it calls with everybody.
mentions = Table(
    "mentions",
    metadata,
    Column("conversation_id", String(36), ForeignKey("conversations.id"), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("message_id", String(36), nullable=False, index=True),
)

reactions = Table(
    "reactions",
    metadata,
    Column("message_id", String(36), ForeignKey("messages.id"), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("emoji", String(64), primary_key=True),
    Column("user_id", String(36), primary_key=True),
    Column("created_at", Instant, nullable=False),
    # Of the change that added it, which puts them in order.
    Column("pos", BigInteger, nullable=False),
    Index(None, "message_id", "pos"),
    Index(None, "message_id", "emoji", "pos"),
)

poll_votes = Table(
    "poll_votes",
    metadata,
    Column("message_id", String(36), ForeignKey("messages.id"), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), primary_key=True),
    Column("option_id", String(8), primary_key=True),
    # Of the change that added it, which puts them in order.
    Column("pos", BigInteger, nullable=False),
    Index(None, "message_id", "option_id", "pos"),
)

pins = Table(
    "pins",
    metadata,
    Column("message_id", String(36), ForeignKey("messages.id"), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("conversation_id", String(36), nullable=False),
    Column("pinned_by", String(36), nullable=False),
    Column("pinned_at", Instant, nullable=False),
    Index(None, "conversation_id", "pinned_at", "message_id"),
)

bookmarks = Table(
    "bookmarks",
    metadata,
    Column("user_id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("message_id", String(36), ForeignKey("messages.id"), primary_key=True, index=True),
    Column("conversation_id", String(36), nullable=False),
    Column("note", String(500), nullable=False),
    Column("created_at", Instant, nullable=False),
    Index(None, "user_id", "created_at", "message_id"),
)

drafts = Table(
    "drafts",
    metadata,
    Column("user_id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("conversation_id", String(36), primary_key=True, index=True),
    Column("thread_root", String(36), primary_key=True),
    Column("text", Text, nullable=False),
    Column("reply_to", String(36), nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index(None, "user_id", "updated_at", "conversation_id", "thread_root"),
)

scheduled = Table(
    "scheduled",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), nullable=False),
    Column("conversation_id", String(36), nullable=False),
    # A serialized SendMessageRequest.
    Column("request", LargeBinary, nullable=False),
    Column("send_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("failure", String(64), nullable=False),
    Column("message_id", String(36), nullable=False),
)

# Waiting or failed: what is over does not make lists slower.
Index(
    "ix_scheduled_open",
    scheduled.c.user_id,
    scheduled.c.send_at,
    scheduled.c.id,
    sqlite_where=text("state IN (1, 3)"),
    postgresql_where=text("state IN (1, 3)"),
)

Index(
    "ix_scheduled_due",
    scheduled.c.send_at,
    sqlite_where=text("state = 1"),
    postgresql_where=text("state = 1"),
)

invites = Table(
    "invites",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("conversation_id", String(36), ForeignKey("conversations.id"), nullable=False),
    # Empty for a link, whose code is kept as its SHA-256; NULL for a person, which a unique index lets repeat.
    Column("user_id", String(36), nullable=False),
    Column("code_hash", LargeBinary(32), unique=True),
    Column("role", SmallInteger, nullable=False),
    Column("created_by", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("max_uses", Integer, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Index(None, "conversation_id", "state", "id"),
    Index(None, "user_id", "state", "id"),
)

bans = Table(
    "bans",
    metadata,
    Column("conversation_id", String(36), ForeignKey("conversations.id"), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), primary_key=True),
    Column("banned_by", String(36), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("until", Instant),
    Index(None, "conversation_id", "created_at", "user_id"),
)

# Of people who can be mentioned together.
groups = Table(
    "groups_of_people",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("handle", String(32), nullable=False),
    Column("name", String(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("handle", "workspace_id"),
)

group_members = Table(
    "group_members",
    metadata,
    Column("group_id", String(36), ForeignKey("groups_of_people.id"), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), primary_key=True),
)

reports = Table(
    "reports",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    # Not a reference: a report outlives the conversation.
    Column("message_id", String(36), nullable=False),
    Column("conversation_id", String(36), nullable=False),
    Column("reporter_id", String(36), nullable=False),
    Column("category", SmallInteger, nullable=False),
    Column("comment", String(1000), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("resolved_by", String(36), nullable=False),
    Column("resolved_at", Instant),
    UniqueConstraint("message_id", "reporter_id"),
    Index(None, "workspace_id", "id"),
    Index(None, "workspace_id", "status", "id"),
)

thread_marks = Table(
    "thread_marks",
    metadata,
    Column("user_id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("root_id", String(36), primary_key=True),
    Column("conversation_id", String(36), nullable=False, index=True),
    Column("last_read_seq", BigInteger, nullable=False),
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
    # As in the log of a conversation; what is nobody else's business counts as published from the start.
    Column("published", SmallInteger, nullable=False, default=1),
)

Index(
    "ix_user_changes_unpublished",
    user_changes.c.user_id,
    user_changes.c.pos,
    sqlite_where=text("published = 0"),
    postgresql_where=text("published = 0"),
)

user_heads = Table(
    "user_heads",
    metadata,
    Column("user_id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("last_pos", BigInteger, nullable=False),
)

# The messages that can be found by their words. The words themselves stand in a table that each kind of database has in
# its own way; ids are the same there, and in the order of time.
search_entries = Table(
    "search_entries",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("workspace_id", String(32), nullable=False),
    Column("message_id", String(36), nullable=False, unique=True),
    Column("conversation_id", String(36), nullable=False, index=True),
)
