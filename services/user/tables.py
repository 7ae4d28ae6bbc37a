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

from mesh.schema import Instant, new_metadata

metadata = new_metadata()

users = Table(
    "users",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("username", String(32), nullable=False, unique=True),
    Column("email", String(254), nullable=False),
    Column("email_key", String(254), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),
    Column("full_name", String(100), nullable=False),
    Column("avatar", String(2048), nullable=False),
    Column("bio", String(1000), nullable=False),
    Column("role", String(16), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("is_verified", Boolean, nullable=False),
    Column("last_login", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # The last place in the user's log. Raising it locks the row, which keeps the places without gaps.
    Column("last_pos", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("user_id", String(36), ForeignKey("users.id"), nullable=False, index=True),
    Column("device", String(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("refreshed_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("family_hash", LargeBinary(32), nullable=False, unique=True),
    Column("rotation_key", LargeBinary(32), nullable=False),
    Column("current_hash", LargeBinary(32), nullable=False),
    Column("next_hash", LargeBinary(32), nullable=False),
)

user_changes = Table(
    "user_changes",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
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
