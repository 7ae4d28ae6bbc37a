"""The index of words."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "search_entries",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("workspace_id", sa.String(32), nullable=False),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("conversation_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_entries"),
        sa.UniqueConstraint("message_id", name="uq_search_entries_message_id"),
    )
    op.create_index("ix_search_entries_conversation_id", "search_entries", ["conversation_id"])
    if op.get_bind().dialect.name == "sqlite":
        # Words come ready made: nothing but the spaces between them has a meaning.
        op.execute("CREATE VIRTUAL TABLE search_words USING fts5(words, tokenize = 'ascii', columnsize = 0)")
    else:
        op.execute("CREATE TABLE search_words (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
        # Without the list of what is yet to be sorted in: every conversation of a search would read all of it.
        op.execute("CREATE INDEX ix_search_words ON search_words USING gin (words) WITH (fastupdate = off)")


def downgrade() -> None:
    op.execute("DROP TABLE search_words")
    op.drop_table("search_entries")
    op.execute("UPDATE conversations SET indexed_pos = 0")
