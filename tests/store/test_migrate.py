"""The database's version: brought up when empty, refused when it does not fit, never half-way."""

from __future__ import annotations

import itertools
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

from shopify_sync.clock import ManualClock
from shopify_sync.entities import NAMES, discovered, entity
from shopify_sync.errors import DatabaseError
from shopify_sync.store import migrate, shops, tables
from shopify_sync.store.database import Database
from tests.store.goods import Plain, Store, product

_numbers = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it; the SQLite file is not even there."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new.db"
        return
    server: str = request.getfixturevalue("postgres")
    name = f"empty_{tmp_path.parent.name}_{next(_numbers)}_{id(request)}".replace("-", "_").lower()
    client = admin(server)
    client.execute(f'CREATE DATABASE "{name}"')
    yield f"{server.rpartition('/')[0]}/{name}"
    client.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    client.close()


def admin(server: str) -> Any:
    import psycopg

    return psycopg.connect(server, autocommit=True)


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    opened = Database(empty_url)
    yield opened
    opened.dispose()


def refused(database: Database, code: str) -> DatabaseError:
    """Both ways in refuse it alike."""
    caught = []
    for enter in (migrate.require, migrate.upgrade):
        with pytest.raises(DatabaseError) as error:
            enter(database)
        caught.append(error.value)
    assert [(error.exit_code, error.code) for error in caught] == [(7, code)] * 2
    assert caught[0].next
    return caught[0]


def names(database: Database) -> set[str]:
    catalogue = {"sqlite": "SELECT name FROM sqlite_master", "postgresql": "SELECT relname FROM pg_class"}
    with database.read() as conn:
        return {row[0] for row in conn.exec_driver_sql(catalogue[database.dialect])}


def test_an_empty_database_is_brought_up(empty: Database) -> None:
    assert migrate.current(empty) is None
    migrate.require(empty)
    assert migrate.current(empty) == migrate.HEAD
    shop = shops.get_or_create(empty, "demo.myshopify.com", ManualClock())
    store = Store(empty, shop["id"])
    assert store.create(product(1)) == [1]


def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    assert migrate.upgrade(empty) == (None, migrate.HEAD)
    before = names(empty)
    assert migrate.upgrade(empty) == (migrate.HEAD, migrate.HEAD)
    assert names(empty) == before


def test_the_newest_revision_is_the_one_that_the_program_needs(database: Database) -> None:
    from alembic.script import ScriptDirectory

    with database.read() as conn:
        assert ScriptDirectory.from_config(migrate._config(conn)).get_heads() == [migrate.HEAD]


# Postgres spells the expression of metafields.product_id in its own way.
@pytest.mark.filterwarnings("ignore:Computed default on metafields.product_id")
def test_migrations_and_models_say_the_same(database: Database) -> None:
    """Tables, columns, types, defaults, keys and indexes: nothing is left for autogenerate to find."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    assert discovered() == NAMES
    assert all(entity(name) for name in NAMES)
    assert "sync_status" in SQLModel.metadata.tables
    assert tables.Run.__tablename__ == "sync_status"
    assert migrate.check(database, SQLModel.metadata) == []
    with database.read() as conn:
        options = {"compare_type": database.dialect == "postgresql", "compare_server_default": True}
        context = MigrationContext.configure(conn, opts=options)
        assert compare_metadata(context, SQLModel.metadata) == []


def test_a_difference_is_found(database: Database, plain: Plain) -> None:
    plain.run("ALTER TABLE products ADD COLUMN colour TEXT")
    plain.run("DROP INDEX ix_products_dirty")
    found = " ".join(migrate.check(database, SQLModel.metadata))
    assert ("colour" in found, "ix_products_dirty" in found) == (True, True)


def test_a_newer_database_is_refused(database: Database, plain: Plain) -> None:
    plain.run("UPDATE alembic_version SET version_num = '9999'")
    error = refused(database, "database-new")
    assert ("9999" in error.what, "newer shopify-sync" in error.next) == (True, True)


def test_an_older_database_is_refused_with_the_command_that_helps(database: Database, plain: Plain) -> None:
    """There is no older version yet; one that never was stands for it."""
    plain.run("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(DatabaseError, match=f"at version 0000, this program needs {migrate.HEAD}") as error:
        migrate.require(database)
    assert (error.value.code, "shopify-sync db upgrade" in error.value.next) == ("database-old", True)
    with pytest.raises(DatabaseError):
        migrate.upgrade(database)


def test_another_programs_tables_are_left_alone(empty: Database, empty_url: str) -> None:
    """It has a `products` too. Nothing of ours is left behind."""
    migrate.current(empty)
    plain = Plain(empty_url)
    plain.run("CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT)")
    plain.run("INSERT INTO products VALUES (1, 'theirs')")
    before = names(empty)
    refused(empty, "database-foreign")
    assert names(empty) == before
    assert plain.rows("SELECT name FROM products") == [("theirs",)]
    plain.close()


def test_another_programs_versions_are_not_taken_for_newer_ones(empty: Database, empty_url: str) -> None:
    migrate.current(empty)
    plain = Plain(empty_url)
    plain.run("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    plain.run("INSERT INTO alembic_version VALUES ('ae1027a6acf')")
    refused(empty, "database-foreign")
    assert plain.rows("SELECT version_num FROM alembic_version") == [("ae1027a6acf",)]
    plain.close()


def test_after_a_refusal_the_connection_is_as_before(tmp_path: Path) -> None:
    """Foreign keys are off while tables are rebuilt, and only then."""
    database = Database(f"sqlite:///{tmp_path}/new.db")
    with database.transaction() as conn:
        conn.exec_driver_sql("CREATE TABLE products (id INTEGER PRIMARY KEY)")
    refused(database, "database-foreign")
    for _ in range(2):
        with database.transaction() as conn:
            assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        with database.engine.connect() as one, database.engine.connect() as two:
            assert [c.exec_driver_sql("PRAGMA foreign_keys").scalar() for c in (one, two)] == [1, 1]
    database.dispose()


def test_several_processes_may_try_at_once(empty: Database, empty_url: str) -> None:
    code = (
        "import sys; from shopify_sync.store import migrate; from shopify_sync.store.database import Database\n"
        "database = Database(sys.argv[1]); input(); print(migrate.upgrade(database))"
    )
    command = [sys.executable, "-c", code, empty_url]
    several = [subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) for _ in range(3)]
    for process in several:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [(process.communicate(), process.returncode) for process in several]
    assert [code for _, code in ended] == [0, 0, 0], ended
    assert sorted(out.strip() for (out, _), _ in ended) == [f"('{migrate.HEAD}', '{migrate.HEAD}')"] * 2 + [
        f"(None, '{migrate.HEAD}')"
    ]


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """Whichever way it comes into being; folders on the way are made."""
    for enter in (migrate.require, migrate.upgrade):
        path = tmp_path / enter.__name__ / "folder" / "shop.db"
        database = Database(f"sqlite:///{path}")
        enter(database)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        database.dispose()
