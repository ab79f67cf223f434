"""Completions that were asked to be stored: sealed, and listed by who owns them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "stored_completions",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("owner", sa.LargeBinary, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("about", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("messages", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_stored_completions_expires_at", "stored_completions", ["expires_at"], if_not_exists=True)
    op.create_index(
        "ix_stored_completions_owner", "stored_completions", ["owner", "created_ms", "key"], if_not_exists=True
    )
