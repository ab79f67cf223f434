"""Sealed rows, as every ledger before the first step had them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "sealed",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("has_sound", sa.Boolean, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_sealed_expires_at", "sealed", ["expires_at"], if_not_exists=True)
    op.drop_table("replies", if_exists=True)  # words, unsealed: before there was a release
