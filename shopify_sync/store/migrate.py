"""The database's version: numbered Alembic revisions inside the package, each in one transaction with its record."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from shopify_sync.errors import DatabaseError
from shopify_sync.store.database import Database, translated

if TYPE_CHECKING:
    from alembic.config import Config

# Known without importing alembic (0.4 s); a test compares it with the revisions in the package.
HEAD = "0002"
_OURS = re.compile(r"\d{4}")
_LOCK = 7_355_608  # any number; the same for every process that migrates


def current(database: Database) -> str | None:
    """The revision that the database is at; None for one without our tables."""
    with database.read() as conn:
        return _current(conn)


def _current(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def require(database: Database) -> None:
    """Bring an empty database up, and refuse one that does not fit. Raises DatabaseError (exit 7)."""
    at = current(database)
    if at is None:
        upgrade(database)
    elif at != HEAD:
        raise _misfit(database.name, at)


def upgrade(database: Database) -> tuple[str | None, str]:
    """Run what is missing, all or nothing; (before, after). Several processes may try at once."""
    from alembic import command
    from alembic.util import CommandError

    before: str | None = None
    with database.read() as conn:
        try:
            if database.dialect == "sqlite":
                # Off, or the rebuilding of a parent table would delete the children by cascade.
                conn.exec_driver_sql("PRAGMA foreign_keys = OFF")
                conn.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                conn.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            before = _current(conn)
            if before is not None and (before > HEAD or not _OURS.fullmatch(before)):
                raise _misfit(database.name, before)
            if before != HEAD:
                config = _config(conn)
                logging.getLogger("alembic").setLevel(logging.WARNING)
                command.upgrade(config, "head")
            if database.dialect == "sqlite":
                _check_keys(conn)
                conn.exec_driver_sql("COMMIT")
                conn.exec_driver_sql("PRAGMA foreign_keys = ON")
            conn.commit()
        except BaseException as error:
            conn.invalidate()  # with it go the transaction and the pragma
            if isinstance(error, CommandError) or (before is None and "already exists" in str(error)):
                raise _foreign(database.name) from None
            if isinstance(error, SQLAlchemyError):
                raise translated(error, database.name) from None
            raise
    return before, HEAD


def _misfit(name: str, at: str) -> DatabaseError:
    if not _OURS.fullmatch(at):
        return _foreign(name)
    if at > HEAD:
        return DatabaseError(
            f"the database {name} is at version {at}, newer than this program ({HEAD})",
            code="database-new",
            next="install the newer shopify-sync that upgraded it",
        )
    return DatabaseError(
        f"the database {name} is at version {at}, this program needs {HEAD}",
        code="database-old",
        next="make a backup, then run `shopify-sync db upgrade`",
    )


def _foreign(name: str) -> DatabaseError:
    return DatabaseError(
        f"the database {name} belongs to another program",
        code="database-foreign",
        why="its tables have our names, or its versions are not ours; nothing was changed",
        next="give an empty database, or the right one, with --database or SHOPIFY_SYNC_DATABASE_URL",
    )


def check(database: Database, metadata: Any) -> list[str]:
    """What differs between the tables in the database and the program's own; empty when nothing does."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.read() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": False})
        return [str(difference) for difference in compare_metadata(context, metadata)]


def _config(conn: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "shopify_sync.store:migrations")
    config.attributes["connection"] = conn
    return config


def _check_keys(conn: Connection) -> None:
    broken = conn.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise DatabaseError(
            f"the upgrade would leave {len(broken)} rows without their parents",
            next="nothing was changed; report this with the output of `PRAGMA foreign_key_check`",
        )
