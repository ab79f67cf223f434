"""Files, batches, and what came of each line of a batch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("owner", sa.LargeBinary, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_files_expires_at", "files", ["expires_at"], if_not_exists=True)
    op.create_index("ix_files_owner", "files", ["owner", "created_ms", "key"], if_not_exists=True)
    op.create_table(
        "batches",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("owner", sa.LargeBinary, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("forget_at", sa.BigInteger, nullable=False),
        sa.Column("key_id", sa.String(32)),
        sa.Column("works_for", sa.LargeBinary),
        sa.Column("input_key", sa.LargeBinary, nullable=False),
        sa.Column("runner", sa.String(32)),
        sa.Column("lease_until_ms", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("model", sa.String(100)),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("in_progress_at", sa.BigInteger),
        sa.Column("finalizing_at", sa.BigInteger),
        sa.Column("completed_at", sa.BigInteger),
        sa.Column("failed_at", sa.BigInteger),
        sa.Column("expired_at", sa.BigInteger),
        sa.Column("cancelling_at", sa.BigInteger),
        sa.Column("cancelled_at", sa.BigInteger),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("completed", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("input_cached_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("outcome", sa.LargeBinary),
        if_not_exists=True,
    )
    op.create_index("ix_batches_forget_at", "batches", ["forget_at"], if_not_exists=True)
    op.create_index("ix_batches_input_key", "batches", ["input_key"], if_not_exists=True)
    op.create_index("ix_batches_owner", "batches", ["owner", "created_ms", "key"], if_not_exists=True)
    op.create_table(
        "batch_lines",
        sa.Column("batch", sa.LargeBinary, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("answered", sa.Boolean, nullable=False),
        sa.Column("value", sa.LargeBinary),
        sa.Column("blob", sa.LargeBinary),
        if_not_exists=True,
    )
