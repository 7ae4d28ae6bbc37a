"""The tables of the user service. Several stores write them in one transaction, so they stand together."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """A moment, kept as microseconds since the epoch: the same in every database, and exact."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

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
