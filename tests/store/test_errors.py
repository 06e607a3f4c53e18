"""What goes wrong with a database is told as one kind of error, with what to do, and never with a secret."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shopify_sync.errors import DatabaseError, UsageError
from shopify_sync.records import Batch
from shopify_sync.store import migrate
from shopify_sync.store.database import Database
from shopify_sync.store.reading import open_reader
from tests.postgres import binaries, start, stop
from tests.store.goods import Plain, Store, incoming, product

SECRET = "hush-Hush-4711"
WRITE = "INSERT INTO shops (domain) VALUES ('x')"


def write(database: Database, statement: str = WRITE) -> None:
    with database.transaction() as conn:
        conn.exec_driver_sql(statement)


def read(url: str) -> None:
    with open_reader(url) as reader:
        reader.status()


def refused(code: str, call: Callable[..., Any], *arguments: Any) -> DatabaseError:
    """The error of a call; it has the code, the exit code and advice, and nobody's password."""
    with pytest.raises(DatabaseError) as caught:
        call(*arguments)
    error = caught.value
    assert (error.exit_code, error.code) == (7, code), error.as_json()
    assert error.next
    for text in (str(error), repr(error), str(error.as_json())):
        assert SECRET not in text
    assert (
        error.__suppress_context__ or error.__context__ is None
    )  # a traceback would quote the driver, and so the statement's values
    return error


@pytest.fixture
def connected(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Database]]:
    opened: list[Database] = []

    def open_it(url: str) -> Database:
        opened.append(Database(url))
        return opened[-1]

    yield open_it
    for database in opened:
        database.dispose()


Connect = Callable[[str], Database]


def test_a_locked_sqlite_file(sqlite_url: str, connected: Connect) -> None:
    database = connected(f"{sqlite_url}?timeout=0.05")
    migrate.require(database)
    holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    error = refused("database-locked", write, database)
    assert "another program" in error.why
    with database.read() as conn:  # reading goes on
        assert conn.exec_driver_sql("SELECT count(*) FROM shops").scalar() == 0
    holder.execute("ROLLBACK")
    write(database)
    holder.close()


def test_a_locked_postgres_row(postgres_url: str, connected: Connect) -> None:
    import psycopg

    database = connected(postgres_url)
    write(database)
    with psycopg.connect(postgres_url) as holder:
        holder.execute("UPDATE shops SET name = 'held'")
        for statement in (
            "SELECT id FROM shops FOR UPDATE NOWAIT",
            "SET LOCAL lock_timeout = '20ms'; UPDATE shops SET name = 'ours'",
        ):
            refused("database-locked", write, database, statement)
    write(database, "UPDATE shops SET name = 'ours'")


def test_a_sqlite_file_that_is_opened_for_reading(sqlite_url: str, connected: Connect) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    sqlite3.connect(path).execute("PRAGMA journal_mode = WAL").connection.close()
    database = connected(f"sqlite:///file:{path}?mode=ro&uri=true")
    with database.read() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM shops").scalar() == 0
    error = refused("database-read-only", write, database)
    assert "owner and mode" in error.next
    assert migrate.current(database) == migrate.HEAD
    assert not Path("file:").exists()  # the URL is no path to make
    read(f"sqlite:///file:{path}?mode=ro&uri=true")


def test_a_connection_that_may_only_query(sqlite_url: str, connected: Connect) -> None:
    database = connected(sqlite_url)
    with database.read() as conn:
        conn.exec_driver_sql("PRAGMA query_only = ON")
    refused("database-read-only", write, database)


def test_a_postgres_database_that_is_read_only(postgres_url: str, connected: Connect, plain_postgres: Plain) -> None:
    name = postgres_url.rpartition("/")[2]
    plain_postgres.run(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    refused("database-read-only", write, connected(postgres_url))
    read(postgres_url)


def test_a_postgres_user_without_rights(postgres_url: str, connected: Connect, plain_postgres: Plain) -> None:
    role = f"reader_{postgres_url.rpartition('/')[2]}"
    plain_postgres.run(f'CREATE ROLE "{role}" LOGIN')
    try:
        database = connected(postgres_url.replace("://postgres@", f"://{role}@"))
        refused("database-read-only", write, database)
        refused("database-read-only", read, str(database.url.render_as_string(hide_password=False)))
    finally:
        plain_postgres.run(f'DROP ROLE "{role}"')


@pytest.fixture
def plain_postgres(postgres_url: str) -> Iterator[Plain]:
    client = Plain(postgres_url)
    yield client
    client.close()


def test_a_file_that_is_no_database(tmp_path: Path, connected: Connect) -> None:
    path = tmp_path / "shop.db"
    for content in (random.Random(7).randbytes(40_000), b"notes of somebody's, nothing like a database\n" * 100):
        path.write_bytes(content)
        database = connected(f"sqlite:///{path}")
        for call in (write, migrate.current, migrate.require, migrate.upgrade):
            error = refused("database-corrupt", call, database)
            assert ("backup" in error.next, str(path) in error.what) == (True, True)
        refused("database-corrupt", read, f"sqlite:///{path}")
        assert path.read_bytes() == content


def test_a_database_with_damaged_pages(sqlite_url: str, connected: Connect) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    refused("database-corrupt", write, connected(sqlite_url))
    refused("database-corrupt", read, sqlite_url)


def test_a_full_disk_leaves_nothing_half_written(store_sqlite: Store) -> None:
    """SQLite's own limit of pages stands for the disk."""
    store_sqlite.create(product(1))

    def fill() -> None:
        with store_sqlite.local().session() as session:
            pages = session.conn.exec_driver_sql("PRAGMA page_count").scalar()
            session.conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            many = [incoming(product(number, variants=50)) for number in range(2, 40)]
            session.save(Batch(create=many), store_sqlite.clock.now())

    assert "make room" in refused("database-full", fill).next
    assert list(store_sqlite.local().known(range(1, 40))) == [1]
    with store_sqlite.database.transaction() as conn:
        conn.exec_driver_sql("PRAGMA max_page_count = 1073741823")
    assert len(store_sqlite.create(product(2, variants=50))) == 1


@pytest.fixture
def store_sqlite(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url)
    write(database)
    yield Store(database, 1)
    database.dispose()


def test_a_folder_that_cannot_be(tmp_path: Path, connected: Connect) -> None:
    (tmp_path / "file").write_text("")
    for url in (f"sqlite:///{tmp_path}/file/shop.db", "sqlite:////proc/nowhere/shop.db", f"sqlite:///{tmp_path}"):
        for call in (write, migrate.upgrade):
            with pytest.raises(DatabaseError) as caught:
                call(connected(url))
            assert (caught.value.exit_code, bool(caught.value.next)) == (7, True)


def test_tables_that_are_missing(plain: Plain, database: Database, database_url: str) -> None:
    plain.run("DROP TABLE leases")
    plain.run("DROP TABLE breaker_state")
    error = refused("database-empty", write, database, "DELETE FROM leases")
    assert "shopify-sync db upgrade" in error.next


def test_no_database_is_made_by_reading(tmp_path: Path) -> None:
    error = refused("database-missing", read, f"sqlite:///{tmp_path}/none.db")
    assert "db upgrade" in error.next
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("raw", ["", "?x", "/x", "#x", "%x", ":x", "@x", " x", "'\"x"])
def test_a_server_that_is_not_there_never_shows_the_password(raw: str, connected: Connect, closed_port: int) -> None:
    """Not even parts of one whose special characters somebody forgot to escape."""
    url = f"postgresql://sync:{SECRET}{raw}{SECRET}@127.0.0.1:{closed_port}/shop"
    for call in (write, migrate.current, migrate.require, migrate.upgrade):
        with pytest.raises(DatabaseError) as caught:
            call(connected(url))
        assert SECRET not in str(caught.value.as_json())
        assert caught.value.what.count(f"127.0.0.1:{closed_port}/shop") == 1
    with pytest.raises(DatabaseError) as caught:
        read(url)
    assert SECRET not in str(caught.value.as_json())
    if not raw:
        error = refused("database-unreachable", write, connected(url))
        assert ("host and port" in error.next, error.what) == (
            True,
            f"the database 127.0.0.1:{closed_port}/shop can't be used",
        )
        refused("database-unreachable", migrate.upgrade, connected(url))


def test_a_wrong_password(connected: Connect) -> None:
    """On a server of its own: that of the other tests asks for none."""
    if binaries() is None:
        pytest.skip("no Postgres on this machine")
    import psycopg

    url, folder = start()
    try:
        hba = folder / "data" / "pg_hba.conf"
        hba.write_text(f"host all guarded 127.0.0.1/32 scram-sha-256\n{hba.read_text()}")
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'a?b/c#d:e%f'")
            conn.execute("SELECT pg_reload_conf()")
        place = url.rpartition("@")[2]
        wrong = f"postgresql://guarded:{SECRET}@{place}"
        while _lets_in(wrong):  # the server reads its file again in its own time
            pass
        for call, given in ((write, connected(wrong)), (migrate.upgrade, connected(wrong)), (read, wrong)):
            error = refused("database-refused", call, given)
            assert "user and password" in error.next
        refused("database-refused", migrate.current, connected(f"postgresql://guarded@{place}"))
        refused("database-refused", migrate.current, connected(f"postgresql://nobody:{SECRET}@{place}"))
        right = f"postgresql://guarded:a?b/c#d:e%25f@{place}"
        assert migrate.upgrade(connected(right)) == (None, migrate.HEAD)
        read(right)
        missing = f"postgresql://postgres@{place.partition('/')[0]}/none"
        assert "no database of that name" in refused("database-missing", write, connected(missing)).why
    finally:
        stop(folder)


def _lets_in(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_values_do_not_get_into_messages(database: Database) -> None:
    """They may be personal data."""
    error = refused("database", write, database, f"SELECT 1 FROM shops WHERE nonsense('{SECRET}') > \"{SECRET}\" = 1 (")
    assert "db check" in error.next


def test_urls_that_mean_nothing(sqlite_url: str) -> None:
    for url in ("mysql://root@localhost/x", "sqlite:///x.db?timeout=soon", "://"):
        with pytest.raises(UsageError) as caught:
            Database(url)
        assert (caught.value.exit_code, bool(caught.value.next)) == (2, True)
