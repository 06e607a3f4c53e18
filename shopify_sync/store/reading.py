"""Fast reads for people: plain SQL over the driver, without models, so that `status` answers at once.

Everything comes back JSON-like: times as ISO text in UTC, decimals as text, documents as they are.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from urllib.parse import quote, unquote

from shopify_sync.errors import DatabaseError, UsageError

Row: TypeAlias = dict[str, Any]

_JSON = {"error", "notes", "scopes", "base", "local", "remote", "merged", "tags", "values", "option_values", "payload"}
_BOOLS = {"dirty", "is_gift_card", "requires_selling_plan", "taxable", "tracked", "requires_shipping"}
_TIMES = {"watermark", "probe_until"}  # beside all that end in _at
_LATELY = 2_000  # runs among which the last good one is looked for first
_COUNTS = ("seen", "created", "updated", "unchanged", "deleted", "conflicts", "failed")
_API = ("requests", "points", "throttled", "retries")


_POSTGRES = re.compile(
    r"postgres(?:ql)?(?:\+psycopg)?://(?:(?P<user>[^:/]*)(?::(?P<password>[^@]*))?@)?(?P<place>.*)", re.DOTALL
)


class _Driver(Protocol):
    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]: ...

    def close(self) -> None: ...


class _Sqlite:
    def __init__(self, path: str) -> None:
        self._conn = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=10)
        self._conn.row_factory = sqlite3.Row
        # SQLite's own knows no letters but a to z.
        self._conn.create_function("lower", 1, lambda text: text.lower() if isinstance(text, str) else text)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return [
            {name: _document(row[name]) if name in _JSON else row[name] for name in row.keys()}  # noqa: SIM118
            for row in self._conn.execute(sql.replace("%s", "?"), values)
        ]

    def close(self) -> None:
        self._conn.close()


class _Postgres:
    def __init__(self, found: re.Match[str]) -> None:
        import psycopg
        from psycopg.rows import dict_row

        # Apart from the address, as SQLAlchemy does it: libpq wants more characters of a password escaped.
        secret: dict[str, Any] = {name: unquote(found[name]) for name in ("user", "password") if found[name]}
        self._conn = psycopg.connect(
            f"postgresql://{found['place']}",
            **secret,
            row_factory=dict_row,
            autocommit=True,
            connect_timeout=10,
            options="-c timezone=UTC -c default_transaction_read_only=on",
        )

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._conn.execute(sql.encode(), values).fetchall()

    def close(self) -> None:
        self._conn.close()


@contextmanager
def open_reader(url: str) -> Iterator[Reader]:
    """A reader for as long as the block lasts. Raises DatabaseError (exit 7), never showing the URL's secret."""
    name = "the database"
    driver: _Driver | None = None
    try:
        if found := _POSTGRES.fullmatch(url):
            name = found["place"].partition("?")[0].rpartition("@")[2]
            driver = _Postgres(found)
        elif "://" in url and not url.startswith("sqlite"):
            raise UsageError(
                f"{url.partition('://')[0]} is no database that shopify-sync knows",
                next="give sqlite:///path/to/file.db or postgresql://user@host/name",
            )
        else:
            name = url.removeprefix("sqlite:///").removeprefix("sqlite://").partition("?")[0].removeprefix("file:")
            if not Path(name).exists():
                raise DatabaseError(
                    f"there is no database at {name}",
                    code="database-missing",
                    next="run `shopify-sync db upgrade` to make one, or give another with --database",
                )
            driver = _Sqlite(name)
        yield Reader(driver, name)
    except (DatabaseError, UsageError):
        raise
    except Exception as error:
        if not type(error).__module__.startswith(("sqlite3", "psycopg")):
            raise
        from shopify_sync.store.database import translated

        raise translated(error, name) from None
    finally:
        if driver is not None:
            with contextlib.suppress(Exception):
                driver.close()


class Reader:
    """Questions that people ask of a database."""

    def __init__(self, driver: _Driver, name: str) -> None:
        self._driver, self.name = driver, name

    def _rows(self, sql: str, *values: Any) -> list[Row]:
        return [_plain(row) for row in self._driver.rows(sql, values)]

    def status(self, domain: str | None = None, now: datetime | None = None) -> Row:
        """Last runs, what waits, breaker; of one shop or of all.

        `{"database", "shops": [{"domain", "name", "entities": {name: {"pull": run, "push": run, "verify": run,
        "watermark", "lag_s", "last_good_at", "last_good_s"}}, "waiting": {"changed", "oldest_change_at", "deleted",
        "refused", "conflicts", "decided"}, "refused": [{"record", "field", "code", "message", "remedy", "since",
        "next_attempt"}], "breaker": {…}}]}`
        """
        moment = now or datetime.now(UTC)
        shops = self._rows("SELECT id, domain, name, plan, currency FROM shops ORDER BY id")
        found = [self._shop(shop, moment) for shop in shops if domain in (None, shop["domain"])]
        size = Path(self.name).stat().st_size if Path(self.name).exists() else None
        return {"database": {"name": self.name, "bytes": size}, "shops": found}

    def _shop(self, shop: Row, now: datetime) -> Row:
        number = shop["id"]
        entities: dict[str, Row] = {}
        for row in self._rows(
            "SELECT * FROM sync_status WHERE id IN "
            "(SELECT max(id) FROM sync_status WHERE shop_id = %s GROUP BY entity, direction)",
            number,
        ):
            entities.setdefault(row["entity"], {})[row["direction"]] = _run(row)
        for row in self._rows("SELECT * FROM checkpoints WHERE shop_id = %s AND direction = 'pull'", number):
            entry = entities.setdefault(row["entity"], {})
            entry["watermark"] = row["watermark"]
            entry["unfinished"] = row["started_at"] is not None
            if row["watermark"]:
                entry["lag_s"] = round((now - datetime.fromisoformat(row["watermark"])).total_seconds())
        for name, at in self._last_good(number).items():
            entry = entities.setdefault(name, {})
            entry["last_good_at"] = at
            entry["last_good_s"] = round((now - datetime.fromisoformat(at)).total_seconds())
        oldest = self._rows("SELECT min(edited_at) AS at FROM products WHERE shop_id = %s AND dirty", number)[0]["at"]
        waiting = {
            "changed": self._count("products WHERE shop_id = %s AND dirty", number),
            "oldest_change_at": _value("edited_at", oldest),
            "deleted": self._count("tombstones WHERE shop_id = %s AND handled_at IS NULL", number),
            "refused": self._count("sync_errors WHERE shop_id = %s AND resolved_at IS NULL", number),
            "conflicts": self._count("conflict_log WHERE shop_id = %s AND status = 'open'", number),
            "decided": self._count("conflict_log WHERE shop_id = %s AND status = 'decided'", number),
        }
        records = {"products": self._count("products WHERE shop_id = %s AND deleted_at IS NULL", number)}
        breaker = next(iter(self.breaker(shop["domain"])), {"state": "closed", "failures": 0})
        refused = self._refused(number) if waiting["refused"] else []
        return shop | {
            "entities": entities, "records": records, "waiting": waiting, "refused": refused, "breaker": breaker
        }  # fmt: skip

    def _last_good(self, shop_id: int) -> dict[str, str]:
        """When each entity's last command ended of which every run succeeded: a sync whose push failed was none."""
        good = (
            "SELECT entity, max(at) AS at FROM (SELECT entity, max(finished_at) AS at, "
            "sum(CASE WHEN status = 'succeeded' THEN 0 ELSE 1 END) AS bad FROM sync_status "
            "WHERE shop_id = %s AND direction IN ('pull', 'push') AND id > %s "
            "GROUP BY entity, coalesce(group_id, id)) AS commands WHERE bad = 0 GROUP BY entity"
        )
        last = self._rows("SELECT max(id) AS n FROM sync_status WHERE shop_id = %s", shop_id)[0]["n"] or 0
        found = self._rows(good, shop_id, last - _LATELY) or self._rows(good, shop_id, 0)
        return {row["entity"]: _value("finished_at", row["at"]) for row in found}

    def _refused(self, shop_id: int) -> list[Row]:
        """Records that Shopify refused, with the reason, and what the next attempt waits for."""
        return [
            {
                "record": row["record_key"],
                "field": row["field_path"],
                "code": row["code"],
                "message": row["message"],
                "remedy": row["remedy"],
                "since": row["created_at"],
                "next_attempt": "when it is changed here, or with `shopify-sync retry`",
            }
            for row in self._rows(
                "SELECT * FROM sync_errors WHERE shop_id = %s AND resolved_at IS NULL ORDER BY id DESC LIMIT 20",
                shop_id,
            )
        ]

    def _count(self, source: str, *values: Any) -> int:
        return int(self._rows(f"SELECT count(*) AS n FROM {source}", *values)[0]["n"])

    def history(
        self,
        entity: str | None = None,
        status: str | None = None,
        limit: int = 20,
        since: datetime | None = None,
        domain: str | None = None,
    ) -> list[Row]:
        """Runs, newest first, in the contract's form."""
        where, values = ["1 = 1"], list[Any]()
        for column, value in (("entity", entity), ("status", status)):
            if value is not None:
                where.append(f"{column} = %s")
                values.append(value)
        if since is not None:
            where.append("started_at >= %s")
            # Without the zone, which is the session's: as text, "12:00:00.5Z" would come before "12:00:00Z".
            values.append(since.astimezone(UTC).replace(tzinfo=None).isoformat())
        if domain is not None:
            where.append("shop_id IN (SELECT id FROM shops WHERE domain = %s)")
            values.append(domain)
        rows = self._rows(
            f"SELECT * FROM sync_status WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT %s", *values, limit
        )
        return [_run(row) for row in rows]

    def run(self, run_id: int) -> Row | None:
        """One run with its errors; None where there is none."""
        rows = self._rows("SELECT * FROM sync_status WHERE id = %s", run_id)
        if not rows:
            return None
        errors = self._rows("SELECT * FROM sync_errors WHERE run_id = %s ORDER BY id", run_id)
        named = [
            {
                "record": row["record_key"],
                "shopify_id": row["shopify_id"],
                "local_id": row["local_id"],
                "field": row["field_path"],
                "code": row["code"],
                "category": row["category"],
                "message": row["message"],
                "remedy": row["remedy"],
                "resolved_at": row["resolved_at"],
            }
            for row in errors
        ]
        return _run(rows[0]) | {"errors": named}

    def conflicts(
        self,
        status: str | None = "open",
        entity: str | None = None,
        *,
        record: str | None = None,
        domain: str | None = None,
        newest: int | None = None,
    ) -> list[Row]:
        """Rows of `conflict_log` in order. `waiting` is open or decided; `newest`: as many, newest first."""
        where, values = ["1 = 1"], list[Any]()
        if status == "waiting":
            where.append("status <> 'closed'")
            status = None
        for column, value in (("status", status), ("entity", entity), ("record_key", record)):
            if value is not None:
                where.append(f"{column} = %s")
                values.append(value)
        if domain is not None:
            where.append("shop_id IN (SELECT id FROM shops WHERE domain = %s)")
            values.append(domain)
        order = "ORDER BY id"
        if newest is not None:
            # A row counts from when somebody decided it, else from when it was found.
            order = "ORDER BY coalesce(decided_at, created_at) DESC, id DESC LIMIT %s"
            values.append(newest)
        return self._rows(f"SELECT * FROM conflict_log WHERE {' AND '.join(where)} {order}", *values)

    def conflict(self, number: int) -> Row | None:
        return next(iter(self._rows("SELECT * FROM conflict_log WHERE id = %s", number)), None)

    def breaker(self, domain: str | None = None) -> list[Row]:
        if domain is not None:
            return self._rows("SELECT * FROM breaker_state WHERE name = %s", domain)
        return self._rows("SELECT * FROM breaker_state ORDER BY name")

    def products(self, limit: int = 50, search: str | None = None, dirty: bool = False) -> list[Row]:
        """The newest first, with the number of variants and the range of prices."""
        where, values = ["p.deleted_at IS NULL"], list[Any]()
        if search:
            where.append("(lower(p.title) LIKE %s ESCAPE '!' OR lower(p.handle) LIKE %s ESCAPE '!')")
            values += ["%" + re.sub(r"([!%_])", r"!\1", search.lower()) + "%"] * 2
        if dirty:
            where.append("p.dirty")
        return self._rows(
            "SELECT p.id, p.shopify_id, p.handle, p.title, p.status, p.vendor, p.product_type, p.dirty, "
            "p.updated_at, (SELECT count(*) FROM product_variants v WHERE v.product_id = p.id) AS variants "
            f"FROM products p WHERE {' AND '.join(where)} ORDER BY p.id DESC LIMIT %s",
            *values,
            limit,
        )

    def product(self, handle_or_id: str) -> Row | None:
        """One product with everything below it, by handle, local id or Shopify id."""
        # Longer ones are no ids, and SQLite's driver refuses what does not fit into 64 bits.
        number = int(handle_or_id) if re.fullmatch(r"[0-9]{1,18}", handle_or_id) else None
        rows = self._rows(
            "SELECT * FROM products WHERE handle = %s OR id = %s OR shopify_id = %s ORDER BY "
            "CASE WHEN handle = %s THEN 0 ELSE 1 END, CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END, id LIMIT 1",
            handle_or_id,
            number,
            number,
            handle_or_id,
        )
        if not rows:
            return None
        product = rows[0]
        product.pop("payload")
        order = "ORDER BY position, id"
        for name, table in (
            ("options", "product_options"),
            ("variants", "product_variants"),
            ("media", "product_media"),
        ):
            product[name] = self._rows(f"SELECT * FROM {table} WHERE product_id = %s {order}", product["id"])
        product["metafields"] = self._rows(
            "SELECT * FROM metafields WHERE owner_type = 'product' AND owner_id = %s ORDER BY namespace, key",
            product["id"],
        )
        product["collections"] = self._rows(
            "SELECT c.* FROM collections c JOIN product_collections pc ON pc.collection_id = c.id "
            "WHERE pc.product_id = %s ORDER BY c.title",
            product["id"],
        )
        return product


def _run(row: Row) -> Row:
    return {
        "run_id": row["id"],
        "entity": row["entity"],
        "direction": row["direction"],
        "status": row["status"],
        "counts": {name: row[name] for name in _COUNTS},
        "api": {name: row[name] for name in _API},
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "errors": [],
        "error": row["error"],
        "notes": row["notes"] or [],
        "trigger": row["trigger"],
        "waited_s": row["waited_s"],
    }


def _plain(row: Row) -> Row:
    return {name: _value(name, value) for name, value in row.items()}


def _document(value: Any) -> Any:
    """JSON that SQLite holds as text; Postgres' driver has read its own."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value


def _value(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return format(value, "f")
    if name in _BOOLS and value is not None:
        return bool(value)
    if isinstance(value, str) and (name.endswith("_at") or name in _TIMES) and "." in value:
        return re.sub(r"\.\d+", "", value)
    return value
