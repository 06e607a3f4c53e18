"""Fixtures that many tests share: databases of both kinds, migrated, one for each test."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopify_sync.sandbox import SandboxServer
from shopify_sync.store import migrate
from shopify_sync.store.database import Database
from tests.postgres import binaries, shared_cluster
from tests.warm import Warm
from tests.world import World

_numbers = itertools.count(1)
_LONG = {"test_kill.py", "test_limits.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, so that no process is left with one when the others are done."""
    items.sort(key=lambda item: item.path.name not in _LONG)


@pytest.fixture(scope="session")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def postgres(meeting: Path) -> Iterator[str]:
    """The URL of a Postgres server's maintenance database; skips where there is no Postgres."""
    if binaries() is None and not os.environ.get("SHOPIFY_SYNC_TEST_POSTGRES"):
        if os.environ.get("SHOPIFY_SYNC_REQUIRE_POSTGRES"):
            pytest.fail("Postgres is required here, but its binaries are not installed")
        pytest.skip("no Postgres on this machine: install it, or set SHOPIFY_SYNC_TEST_POSTGRES")
    with shared_cluster(meeting) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    with database.read() as conn:
        conn.exec_driver_sql("PRAGMA journal_mode = DELETE")
    database.dispose()
    return path


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """Starts commands without the time that their imports take."""
    with Warm() as ready:
        yield ready


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> Iterator[str]:
    """The name of an empty, migrated database to copy, one for each test process."""
    import psycopg

    name = f"template_{_worker()}_{os.getpid()}"
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    database = Database(_named(postgres, name))
    migrate.upgrade(database)
    database.dispose()
    yield name
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    path = tmp_path / "shop.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: str, postgres_template: str) -> Iterator[str]:
    import psycopg

    name = f"test_{_worker()}_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{postgres_template}"')
    yield _named(postgres, name)
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def _named(url: str, name: str) -> str:
    return url.rpartition("/")[0] + "/" + name


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """A sandbox shop with 30 products."""
    with SandboxServer(products=30, seed=7) as running:
        yield running


@pytest.fixture
def world(server: SandboxServer, database_url: str) -> World:
    """A shop with 30 products and an empty database, once for each kind of database."""
    return World(server, database_url)
