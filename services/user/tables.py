"""The tables of the user service. Several stores write them in one transaction, so they stand together."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from mesh.audit.table import audit_tables
from mesh.idempotency.table import idempotency_table
from mesh.schema import Instant, new_metadata

metadata = new_metadata()

audit, audit_head = audit_tables(metadata)
idempotency_keys = idempotency_table(metadata)

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("created_at", Instant, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(32), ForeignKey("workspaces.id"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("username", String(32), nullable=False),
    Column("email", String(254), nullable=False),
    # NULL for bots and for who was erased: a unique index lets it repeat.
    Column("email_key", String(254)),
    Column("password_hash", String(255), nullable=False),
    Column("full_name", String(100), nullable=False),
    # The words of the name in one case, each after a blank: what a search by the beginning of a word looks at.
    Column("name_key", String(301), nullable=False),
    Column("avatar", String(2048), nullable=False),
    Column("bio", String(1000), nullable=False),
    Column("role", String(16), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("is_verified", Boolean, nullable=False),
    Column("last_login", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("erased_at", Instant),
    Column("status_text", String(100), nullable=False),
    Column("status_emoji", String(16), nullable=False),
    Column("status_expires_at", Instant),
    # Raised by every change that the account shows; the etag is made of it.
    Column("version", Integer, nullable=False),
    # Sealed; empty for who has no second factor.
    Column("totp_secret", LargeBinary, nullable=False),
    # The last step whose code was used: no code is good twice.
    Column("totp_step", BigInteger, nullable=False),
    # The person who answers for a bot.
    Column("owner_id", String(36), ForeignKey("users.id")),
    # The last place in the user's log. Raising it locks the row, which keeps the places without gaps.
    Column("last_pos", BigInteger, nullable=False),
    UniqueConstraint("workspace_id", "username"),
    UniqueConstraint("workspace_id", "email_key"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), ForeignKey("users.id"), nullable=False, index=True),
    Column("device", String(100), nullable=False),
    Column("address", String(45), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("refreshed_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("family_hash", LargeBinary(32), nullable=False, unique=True),
    Column("rotation_key", LargeBinary(32), nullable=False),
    Column("current_hash", LargeBinary(32), nullable=False),
    Column("next_hash", LargeBinary(32), nullable=False),
)

# Socket tickets, by the hash of what was given out. One that is redeemed is deleted.
tickets = Table(
    "tickets",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), ForeignKey("users.id"), nullable=False),
    Column("session_id", String(36), ForeignKey("sessions.id"), nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

# Sessions that ended before their tokens, numbered in the order of their commits: the head's row is locked.
revocations = Table(
    "revocations",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("session_id", String(36), nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

revocation_head = Table(
    "revocation_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", BigInteger, nullable=False),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    # PKCS #8, sealed with the secret of the installation.
    Column("private", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("signs_from", Instant, nullable=False),
    # Set when a successor is made: when the last token signed by it has ended.
    Column("gone_at", Instant),
)

# What mails link to, by the hash of the token in the link. One that is used is deleted.
links = Table(
    "links",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), ForeignKey("users.id"), nullable=False, index=True),
    Column("purpose", String(16), nullable=False),
    # What must still hold when it is used: the mail address that it proves, or the password hash that it replaces.
    Column("bound_to", LargeBinary(32), nullable=False),
    Column("email", String(254), nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

# Failures to log in, by the hash of the workspace and the name that was tried, whether it exists or not.
login_failures = Table(
    "login_failures",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False, index=True),
    Column("blocked_until", Instant, nullable=False),
)

mails = Table(
    "mails",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), nullable=False, index=True),
    # The whole message, sealed: its links are secrets. A row is deleted when it was sent or given up, except where
    # mails are only looked at.
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    # When to try (again); NULL when it was sent.
    Column("next_at", Instant, index=True),
    Column("sent_at", Instant),
)

blocks = Table(
    "blocks",
    metadata,
    Column("user_id", String(36), ForeignKey("users.id"), primary_key=True),
    Column("blocked_id", String(36), ForeignKey("users.id"), primary_key=True, index=True),
    Column("workspace_id", String(32), nullable=False),
    Column("created_at", Instant, nullable=False),
)

# The hashes of recovery codes that are still good.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", String(36), ForeignKey("users.id"), primary_key=True),
    Column("hash", LargeBinary(32), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), ForeignKey("users.id"), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    # Separated by blanks.
    Column("scopes", String(500), nullable=False),
    Column("created_by", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
)

# Who a user is to an OpenID provider.
identities = Table(
    "identities",
    metadata,
    Column("workspace_id", String(32), primary_key=True),
    # Not the name that settings give it, which may come to mean another one.
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("user_id", String(36), ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
)

# Log-ins by an OpenID provider that are under way, by the hash of their state. One that comes back is deleted.
oauth_states = Table(
    "oauth_states",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("workspace_id", String(32), nullable=False),
    Column("provider", String(32), nullable=False),
    # Nonce, code verifier and where to go afterwards, sealed.
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

user_changes = Table(
    "user_changes",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("workspace_id", String(32), nullable=False),
    Column("user_id", String(36), ForeignKey("users.id"), nullable=False),
    Column("pos", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("traceparent", String(55), nullable=False),
    Column("correlation_id", String(128), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("published", Boolean, nullable=False),
    UniqueConstraint("user_id", "pos"),
)

# Small whatever the log's length: the relay asks it all the time.
Index(
    "ix_user_changes_unpublished",
    user_changes.c.id,
    sqlite_where=~user_changes.c.published,
    postgresql_where=~user_changes.c.published,
)
