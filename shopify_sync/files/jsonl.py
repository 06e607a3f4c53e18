"""JSON lines: one product a line, in the words of our tables. Prices are text or whole numbers, never floats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import IO, Any

import orjson

from shopify_sync.files.items import BadValue, Parsed, Problem
from shopify_sync.files.values import UNIT_NAMES, again, handle, money, status
from shopify_sync.records import Record

_TEXT, _FLAG, _WHOLE, _MONEY, _TIME, _TEXTS, _MAP, _UNIT, _STATUS = range(9)
_PRODUCT = {
    "handle": _TEXT,
    "title": _TEXT,
    "description_html": _TEXT,
    "vendor": _TEXT,
    "product_type": _TEXT,
    "status": _STATUS,
    "tags": _TEXTS,
    "category_id": _TEXT,
    "template_suffix": _TEXT,
    "seo_title": _TEXT,
    "seo_description": _TEXT,
    "is_gift_card": _FLAG,
    "requires_selling_plan": _FLAG,
    "published_at": _TIME,
}
_CHILDREN: dict[str, dict[str, int]] = {
    "options": {"name": _TEXT, "position": _WHOLE, "values": _TEXTS},
    "variants": {
        "sku": _TEXT,
        "barcode": _TEXT,
        "position": _WHOLE,
        "price": _MONEY,
        "compare_at_price": _MONEY,
        "option_values": _MAP,
        "taxable": _FLAG,
        "inventory_policy": _TEXT,
        "weight": _MONEY,
        "weight_unit": _UNIT,
        "requires_shipping": _FLAG,
        "tracked": _FLAG,
        "cost": _MONEY,
        "country_code_of_origin": _TEXT,
        "harmonized_system_code": _TEXT,
    },
    "media": {"source_url": _TEXT, "url": _TEXT, "alt": _TEXT, "position": _WHOLE, "media_type": _TEXT},
    "metafields": {"namespace": _TEXT, "key": _TEXT, "type": _TEXT, "value": _TEXT},
}


class JsonLines:
    """Iterate over it. An unknown key is a problem here, not a note."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def __iter__(self) -> Iterator[Parsed | Problem]:
        seen: set[int] = set()
        for number, line in enumerate(self.stream, start=1):
            if not line.strip():
                continue
            key = ""
            try:
                found = orjson.loads(line)
                if not isinstance(found, dict):
                    raise BadValue("", "the line is no JSON object")
                key = str(found.get("handle") or "")
                record = _product(found)
            except orjson.JSONDecodeError:
                yield Problem(number, key, "", "the line is not JSON")
                continue
            except BadValue as error:
                yield Problem(number, key, error.column, error.message)
                continue
            name = record["handle"]
            if hash(name) in seen:
                yield Problem(number, key, "handle", again(key, name))
                continue
            seen.add(hash(name))
            yield Parsed(number, name, record, {} if "status" in record else {"status": "ACTIVE"})


def _product(found: Mapping[str, Any]) -> Record:
    record = _typed({k: v for k, v in found.items() if k not in _CHILDREN}, _PRODUCT, "")
    for name in ("handle", "title"):
        if not record.get(name):
            raise BadValue(name, f"a product needs a {name}")
    record["handle"] = handle("handle", record["handle"])
    for name, kinds in _CHILDREN.items():
        if name in found:
            items = found[name]
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise BadValue(name, "must be a list of objects")
            record[name] = [_typed(item, kinds, f"{name}.{at}.") for at, item in enumerate(items)]
    chosen = [tuple(sorted((v.get("option_values") or {}).items())) for v in record.get("variants") or ()]
    if len(set(chosen)) != len(chosen):
        raise BadValue("variants", "two variants have the same option values")
    return record


def _typed(found: Mapping[str, Any], kinds: Mapping[str, int], place: str) -> Record:
    typed: Record = {}
    for name, value in found.items():
        if name not in kinds:
            raise BadValue(f"{place}{name}", f"unknown; known are: {', '.join(kinds)}")
        typed[name] = None if value is None else _value(kinds[name], value, f"{place}{name}")
    return typed


def _value(kind: int, value: Any, column: str) -> Any:
    if kind == _MONEY and isinstance(value, str | int) and not isinstance(value, bool):
        return money(column, str(value))
    if kind == _TIME and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise BadValue(column, f"{value!r} is no time") from None
        if moment.tzinfo is None:
            raise BadValue(column, "a time needs a zone, such as Z")
        return moment
    if kind == _STATUS and isinstance(value, str):
        return status(column, value)
    good = {
        _TEXT: isinstance(value, str),
        _FLAG: isinstance(value, bool),
        _WHOLE: isinstance(value, int) and not isinstance(value, bool),
        _TEXTS: isinstance(value, list) and all(isinstance(item, str) for item in value),
        _MAP: isinstance(value, dict) and all(isinstance(item, str) for item in value.values()),
        _UNIT: value in UNIT_NAMES,
    }
    if not good.get(kind, False):
        hint = "; write prices and weights as text" if kind == _MONEY else ""
        raise BadValue(column, f"{value!r} is of the wrong kind{hint}")
    if isinstance(value, str) and "\x00" in value:
        raise BadValue(column, "the text has a NUL byte")
    return value
