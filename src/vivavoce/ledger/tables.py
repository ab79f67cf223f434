"""The tables of the ledger. How they came to be is in `migrations`, which a test holds against this file.

Knows no database: what SQLite wants done its own way is in `sqlite.py`.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, Boolean, Column, Dialect, Index, Integer, LargeBinary, MetaData, String, Table
from sqlalchemy.types import TypeDecorator

PICO = Decimal("1e-12")
"""The grain of money, in US dollars. A price of a millionth of a dollar per million tokens is still exact."""


class Usd(TypeDecorator[Decimal]):
    """US dollars as a whole number of `PICO`, so that sums are exact in every database. 2⁶³ of them are $9 million."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else int((value / PICO).to_integral_value())

    def process_result_value(self, value: int | Decimal | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else (Decimal(value) * PICO).normalize()


METADATA = MetaData()

SEALED = Table(
    "sealed",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("value", LargeBinary, nullable=False),
    Column("has_sound", Boolean, nullable=False),
)

STORED = Table(
    "stored_completions",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("owner", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("about", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("messages", LargeBinary, nullable=False),
    Index("ix_stored_completions_owner", "owner", "created_ms", "key"),
)

KEYS = Table(
    "keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("hint", String(16), nullable=False),
    Column("admin", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("requests_per_minute", Integer),
    Column("tokens_per_minute", Integer),
    Column("monthly_tokens", BigInteger),
    Column("monthly_usd", Usd),
)

USAGE = Table(
    "usage",
    METADATA,
    Column("request_id", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("day", String(10), nullable=False),
    Column("key_id", String(32)),
    Column("route", String(100), nullable=False),
    Column("model", String(100), nullable=False),
    Column("status", Integer, nullable=False),
    Column("code", String(64)),
    Column("input_text_tokens", BigInteger, nullable=False),
    Column("input_audio_tokens", BigInteger, nullable=False),
    Column("input_cached_tokens", BigInteger, nullable=False),
    Column("output_text_tokens", BigInteger, nullable=False),
    Column("output_audio_tokens", BigInteger, nullable=False),
    Column("input_characters", BigInteger, nullable=False),
    Column("heard_ms", BigInteger, nullable=False),
    Column("spoken_ms", BigInteger, nullable=False),
    Column("queue_ms", Integer),
    Column("first_text_ms", Integer),
    Column("first_sound_ms", Integer),
    Column("total_ms", Integer, nullable=False),
    Column("machine_ms", BigInteger),
    Column("price_usd", Usd),
    Column("cost_usd", Usd),
    Index("ix_usage_day", "day"),
    Index("ix_usage_key_day", "key_id", "day"),
)

FILES = Table(
    "files",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("owner", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("purpose", String(32), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Index("ix_files_owner", "owner", "created_ms", "key"),
)

BATCHES = Table(
    "batches",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("owner", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("forget_at", BigInteger, nullable=False, index=True),
    Column("key_id", String(32)),
    Column("works_for", LargeBinary),
    Column("input_key", LargeBinary, nullable=False, index=True),
    Column("runner", String(32)),
    Column("lease_until_ms", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("model", String(100)),
    Column("expires_at", BigInteger, nullable=False),
    Column("in_progress_at", BigInteger),
    Column("finalizing_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("failed_at", BigInteger),
    Column("expired_at", BigInteger),
    Column("cancelling_at", BigInteger),
    Column("cancelled_at", BigInteger),
    Column("total", Integer, nullable=False),
    Column("completed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("input_cached_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("outcome", LargeBinary),
    Index("ix_batches_owner", "owner", "created_ms", "key"),
)

BATCH_LINES = Table(
    "batch_lines",
    METADATA,
    Column("batch", LargeBinary, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("answered", Boolean, nullable=False),
    Column("value", LargeBinary),
    Column("blob", LargeBinary),
)
