"""Run by Alembic: the steps over the connection that `database.upgrade` hands over, or over the URL of `alembic -x`."""

from __future__ import annotations

from alembic import context

from vivavoce.ledger.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
