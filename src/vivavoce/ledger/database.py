"""The ledger's database: brought to the newest shape of its tables when it is opened, its failures told as ours."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from vivavoce.errors import StorageFailed
from vivavoce.ledger import sqlite

MIGRATIONS = Path(__file__).parent / "migrations"


@contextmanager
def may_fail(verb: str) -> Generator[None, None, None]:
    """What disk and database raise, as `StorageFailed`."""
    try:
        yield
    except (OSError, SQLAlchemyError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = (isinstance(cause, OSError) and cause.strerror) or str(cause) or type(error).__name__
        raise StorageFailed(
            f"The ledger cannot be {verb}: {reason}. See that VIVA_DATA_DIR has room and may be written."
        ) from error


def newest() -> str:
    """The revision that `upgrade` brings a database to."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""


def upgrade(engine: Engine) -> None:
    """Bring the tables to their newest shape, from whatever shape they have; nothing to do is quick.

    Call it while no other process does, see `folder.alone`. Raises `StorageFailed` where a newer version wrote them.
    """
    sqlite.make_ready(engine)
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == newest():
        return
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StorageFailed(
                f"The ledger was written by a newer version of Viva Voce (its revision is {current}). Use that one, or "
                "another VIVA_DATA_DIR."
            ) from error
