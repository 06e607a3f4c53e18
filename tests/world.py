"""A shop and a database: the sandbox over real HTTP, the program as the commands use it, and plain SQL beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Unpack, cast

from sqlalchemy import select
from sqlmodel import SQLModel

from shopify_sync.app import App, Switches, open_app
from shopify_sync.clock import Clock
from shopify_sync.config import Flags, Settings, load
from shopify_sync.entities import entity
from shopify_sync.records import RunResult
from shopify_sync.sandbox import SandboxServer
from shopify_sync.store.database import Database

# What two databases of the same shop may differ in: local ids and marks, and where our own media came from.
_OWN = {
    "id",
    "product_id",
    "owner_id",
    "collection_id",
    "shop_id",
    "local_rev",
    "sync_rev",
    "refused_rev",
    "source_url",
    "synced_at",
    "push_started_at",
    "dirty",
    "held_rev",
    "edited_at",
}
TABLES = ("products", "product_options", "product_variants", "product_media", "metafields", "collections")


def _flags(options: dict[str, Any]) -> Switches:
    """Those of the options that open the program, taken out."""
    found = {name: options.pop(name) for name in Switches.__annotations__ if name in options}
    return cast(Switches, found)


def _plain(value: object) -> str:
    """A value as both databases give it, whatever they store: 5, 5.0 and 5.00 are one price."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


class World:
    """One shop and one database of it."""

    def __init__(self, server: SandboxServer, database_url: str, clock: Clock | None = None, **settings: Any) -> None:
        self.server, self.url, self.clock = server, database_url, clock
        self.environment = {
            "SHOPIFY_API_URL": server.url,
            "SHOPIFY_ACCESS_TOKEN": server.token,
            "SHOPIFY_SYNC_DATABASE_URL": database_url,
        }

    @property
    def settings(self) -> Settings:
        return load(Flags(config=None), self.environment | {"SHOPIFY_SYNC_CONFIG": "", "XDG_CONFIG_HOME": "/nowhere"})

    @contextmanager
    def app(self, **flags: Unpack[Switches]) -> Iterator[App]:
        with open_app(self.settings, clock=self.clock, **flags) as app:
            yield app

    def pull(self, **options: Any) -> RunResult:
        with self.app(**_flags(options)) as app:
            return app.pull("products", **options)

    def push(self, **options: Any) -> RunResult:
        with self.app(**_flags(options)) as app:
            return app.push("products", **options)

    def sync(self, **options: Any) -> list[RunResult]:
        with self.app(**_flags(options)) as app:
            return app.sync(**options)

    def sql(self, statement: str, *values: Any) -> int:
        """What another program does to the tables: one statement, committed. `?` marks a value."""
        database = Database(self.url)
        try:
            with database.transaction() as conn:
                if database.dialect == "postgresql":
                    statement = statement.replace("?", "%s")
                return conn.exec_driver_sql(statement, values).rowcount
        finally:
            database.dispose()

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        database = Database(self.url)
        try:
            with database.read() as conn:
                if database.dialect == "postgresql":
                    statement = statement.replace("?", "%s")
                return [tuple(row) for row in conn.exec_driver_sql(statement, values)]
        finally:
            database.dispose()

    def value(self, statement: str, *values: Any) -> Any:
        return self.rows(statement, *values)[0][0]

    def dump(self) -> dict[str, list[str]]:
        """Every field that two databases of one shop have to agree on, by table, in a comparable order."""
        entity("products")  # its tables are declared with it
        database = Database(self.url)
        found: dict[str, list[str]] = {}
        for name in TABLES:
            columns = [c for c in SQLModel.metadata.tables[name].c if c.name not in _OWN | {"payload"}]
            with database.read() as conn:
                rows = conn.execute(select(*columns)).mappings().all()
            found[name] = sorted(json.dumps(dict(row), default=_plain, sort_keys=True) for row in rows)
        database.dispose()
        return found

    def revisions(self) -> dict[str, list[tuple[Any, ...]]]:
        """`sync_rev` and `local_rev` of every row: they move with every write, so equal means nothing was written."""
        found = {"products": self.rows("SELECT id, sync_rev, local_rev FROM products ORDER BY id")}
        for name in TABLES[1:]:
            found[name] = self.rows(f"SELECT id, sync_rev FROM {name} ORDER BY id")
        return found

    def on_shopify(self, product_id: int) -> dict[str, Any]:
        return dict(self.server.shop.table("Product")[product_id])

    def new_product(self, title: str, price: str = "10.00", **columns: Any) -> int:
        """A product that another program inserts, with one variant; its local id."""
        shop_id = self.value("SELECT min(id) FROM shops")
        names = ["shop_id", "title", *columns]
        marks = ", ".join("?" * len(names))
        self.sql(f"INSERT INTO products ({', '.join(names)}) VALUES ({marks})", shop_id, title, *columns.values())
        local_id = int(self.value("SELECT max(id) FROM products"))
        self.sql("INSERT INTO product_variants (product_id, price) VALUES (?, ?)", local_id, price)
        return local_id
