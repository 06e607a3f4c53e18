"""Column types that keep their promise on both databases: exact money, aware UTC times, JSON documents.

SQLite's own `DateTime` drops the offset and its `Numeric` goes through float, so both are stored as text there.
The *storage form* of a value is what goes into the database by a bulk statement, which skips SQLAlchemy's bind
processors: `storage_*` below give it, and a test proves that both ways read back alike.

SQLite takes any text in any column, from whichever program. What can't be read comes back as it is, so that one such
row does not stop the reading of the others; who reads has to look at the type.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import orjson
from sqlalchemy import JSON, DateTime, Dialect, Numeric, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

from shopify_sync.clock import storage_time

__all__ = ["Document", "ExactDecimal", "UtcTime", "storage_json", "storage_time"]


def storage_json(value: Any) -> str:
    """Compact JSON text."""
    return orjson.dumps(value).decode()


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime: ISO text on SQLite, `timestamptz` on Postgres; read back in UTC."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone can't be stored: {value!r}")
        return value if dialect.name == "postgresql" else storage_time(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        try:
            return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            return cast(datetime, value)


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal without rounding: text on SQLite, `numeric` on Postgres."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(asdecimal=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return value if dialect.name == "postgresql" else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        try:
            return None if value is None else Decimal(str(value))
        except InvalidOperation:
            return cast(Decimal, value)


class Document(TypeDecorator[Any]):
    """A JSON value: compact text on SQLite, `jsonb` on Postgres."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(JSONB(none_as_null=True) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return storage_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
