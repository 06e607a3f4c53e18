"""Metafield types and values: what Shopify accepts for a type, and how it writes the value back.

Recorded: metafields-set-input-validation (messages), metafieldsSet-value-type-fidelity (the form of the answer). The
sandbox knows no metafield definitions, so every value is judged by its type alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from shopify_sync.sandbox.state import Record, Shop

_MEASURES = [
    "antenna_gain",
    "area",
    "battery_charge_capacity",
    "battery_energy_capacity",
    "capacitance",
    "concentration",
    "data_storage_capacity",
    "data_transfer_rate",
    "dimension",
    "display_density",
    "distance",
    "duration",
    "electric_current",
    "electrical_resistance",
    "energy",
    "frequency",
    "illuminance",
    "inductance",
    "luminous_flux",
    "mass_flow_rate",
    "power",
    "pressure",
    "resolution",
    "rotational_speed",
    "sound_level",
    "speed",
    "temperature",
    "thermal_power",
    "voltage",
    "volume",
    "volumetric_flow_rate",
    "weight",
]
_PLAIN = [
    "boolean",
    "color",
    "date_time",
    "date",
    "float",
    "id",
    "integer",
    "json_string",
    "json",
    "jurisdiction",
    "language",
    "link",
    "money",
    "multi_line_text_field",
    "number_decimal",
    "number_integer",
    "rating",
    "rich_text_field",
    "single_line_text_field",
    "string",
    "url",
]
_REFERENCES = [
    "company",
    "customer",
    "product",
    "collection",
    "variant",
    "file",
    "product_taxonomy_value",
    "product_taxonomy_disclosure",
    "metaobject",
    "mixed",
    "disclosure",
    "page",
    "article",
    "order",
]
_NO_LIST = {"float", "id", "integer", "json_string", "json", "language", "money", "rich_text_field", "string"}

TYPES = (
    [*_MEASURES, *_PLAIN]
    + [f"list.{name}" for name in [*_MEASURES, *_PLAIN] if name not in _NO_LIST]
    + [f"{prefix}{name}_reference" for name in _REFERENCES for prefix in ("", "list.")]
)
_TYPES = frozenset(TYPES)

LIST_LIMIT = 128
_DECIMAL_LIMIT = Decimal(9_999_999_999_999)
_MONEY_LIMIT = Decimal(10) ** 18
_SCHEMES = ("http", "https", "mailto", "sms", "tel")
_NO_SCHEME = (
    "Value cannot have an empty scheme (protocol), must include one of the following URL schemes: "
    '["http", "https", "mailto", "sms", "tel"].\''
)
_MONEY_SHAPE = (
    "Value must be a stringified JSON object with amount (numeric) and currency_code (string matching the shop's "
    "currency) fields."
)
_UNITS = {
    "dimension": {"in", "ft", "yd", "mm", "cm", "m"},
    "weight": {"oz", "lb", "g", "kg"},
    "volume": {
        "ml", "cl", "l", "m3", "us_fl_oz", "us_pt", "us_qt", "us_gal",
        "imp_fl_oz", "imp_pt", "imp_qt", "imp_gal",
    },
}  # fmt: skip
_UNIT_NAMES = {
    "inches": "in", "feet": "ft", "yards": "yd", "millimeters": "mm", "centimeters": "cm", "meters": "m",
    "ounces": "oz", "pounds": "lb", "grams": "g", "kilograms": "kg",
    "milliliters": "ml", "centiliters": "cl", "liters": "l", "cubic_meters": "m3",
}  # fmt: skip
_REFERENCED = {
    "product": ("Product",),
    "collection": ("Collection",),
    "variant": ("ProductVariant",),
    "file": ("MediaImage", "Video", "GenericFile", "Model3d"),
}


class Refused(ValueError):
    """A value that its type does not allow; `element` is the position inside a list value."""

    def __init__(self, message: str, element: int | None = None) -> None:
        super().__init__(message)
        self.element = element


def type_problem(name: str) -> str | None:
    """Why a type can't be used; recorded: customer-update-parity."""
    return None if name in _TYPES else f"Type must be one of the following: {', '.join(TYPES)}."


def normalised(shop: Shop, type_name: str, value: str) -> str:
    """The value as Shopify keeps it. Raises `Refused`."""
    if type_name not in ("json", "string", "json_string") and not value.strip():
        raise Refused("Value can't be blank.")
    if type_name == "json" and not value:
        raise Refused("Value can't be blank.")
    if type_name.startswith("list."):
        return _list(shop, type_name.removeprefix("list."), value)
    return _one(shop, type_name, value)


def json_value(record: Record) -> Any:
    """`Metafield.jsonValue`, by type. A false boolean is the text "false" (metafieldsSet-value-type-fidelity)."""
    type_name, value = record["type"], record["value"]
    if type_name == "boolean":
        return True if value == "true" else value
    if type_name in ("number_integer", "integer"):
        return int(value)
    if type_name.startswith("list.") or type_name in _STRUCTURED:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def digest(record: Record) -> str:
    """`Metafield.compareDigest`: changes whenever the value or its type does."""
    return hashlib.sha256(f"{record['type']}\0{record['value']}".encode()).hexdigest()


def _list(shop: Shop, inner: str, value: str) -> str:
    try:
        items = json.loads(value)
    except ValueError:
        raise Refused("Value must be an array.") from None
    if not isinstance(items, list):
        raise Refused("Value must be an array.")
    if len(items) > LIST_LIMIT:
        raise Refused(f"Value has more than {LIST_LIMIT} elements.")
    kept = []
    for place, item in enumerate(items):
        text = item if isinstance(item, str) else json.dumps(item)
        try:
            clean = _one(shop, inner, text)
        except Refused as refused:
            # A missing reference carries no position; recorded: metafields-set-input-validation.
            raise Refused(str(refused), None if inner.endswith("_reference") else place) from None
        kept.append(clean if isinstance(item, str) else json.loads(clean))
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def _one(shop: Shop, type_name: str, value: str) -> str:
    if type_name in _MEASURES:
        return _measure(type_name, value)
    if type_name.endswith("_reference"):
        return _reference(shop, type_name.removesuffix("_reference"), value)
    check = _CHECKS.get(type_name)
    return value if check is None else check(shop, value)


def _boolean(_: Shop, value: str) -> str:
    word = value.strip().lower()
    if word in ("t", "true", "1"):
        return "true"
    if word in ("f", "false", "0"):
        return "false"
    raise Refused("Value must be true or false.")


def _integer(_: Shop, value: str) -> str:
    if not re.fullmatch(r"-?\d+(\.0+)?", value.strip()):
        raise Refused("Value must be an integer.")
    number = int(value.strip().partition(".")[0])
    if abs(number) > 9_007_199_254_740_991:
        raise Refused("Value can't exceed 9007199254740991.")
    return str(number)


def _decimal(_: Shop, value: str) -> str:
    if not re.fullmatch(r"-?\d+(\.\d+)?", value.strip()):
        raise Refused("Value must be a decimal.")
    number = Decimal(value.strip())
    if abs(number) > _DECIMAL_LIMIT:
        raise Refused(f"Value can't exceed {_DECIMAL_LIMIT}.")
    whole, _dot, fraction = value.strip().partition(".")
    return f"{whole}.{fraction[:9]}" if fraction else whole


def _single_line(_: Shop, value: str) -> str:
    if "\n" in value or "\r" in value:
        raise Refused("Value must be a single line text string.")
    return value


def _color(_: Shop, value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise Refused("Value must be a hex color code.")
    return value


def _date(_: Shop, value: str) -> str:
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError(value)
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise Refused("Value must be in YYYY-MM-DD format.") from None


def _date_time(_: Shop, value: str) -> str:
    try:
        if not re.match(r"\d{4}-\d{2}-\d{2}T", value):
            raise ValueError(value)
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Refused("Value must be in “YYYY-MM-DDTHH:MM:SS” format. For example: 2022-06-01T15:30:00") from None
    return value if moment.tzinfo else f"{value}+00:00"


def _json(_: Shop, value: str) -> str:
    try:
        json.loads(value)
    except json.JSONDecodeError as problem:
        rest = value[problem.pos :]
        expected = "object key" if "property name" in problem.msg else "value"
        token = (re.match(r"\w+|.?", rest, re.DOTALL) or [""])[0]
        message = f"expected {expected}, got '{token}' at line {problem.lineno} column {problem.colno}."
        raise Refused(f"Value is invalid JSON: {message}") from None
    return value


def _money(shop: Shop, value: str) -> str:
    given = _object(value, _MONEY_SHAPE)
    if set(given) != {"amount", "currency_code"}:
        raise Refused(_MONEY_SHAPE)
    currency = given["currency_code"]
    if not currency:
        raise Refused("Value must have a currency code.")
    try:
        amount = Decimal(str(given["amount"]))
    except InvalidOperation:
        raise Refused("Value must have a numeric amount.") from None
    if abs(amount) > _MONEY_LIMIT:
        raise Refused(f"Value must be within +/-{_MONEY_LIMIT}.")
    if not re.fullmatch(r"[A-Z]{3}", str(currency)) or str(currency) in ("ZZZ", "XXX"):
        raise Refused(f"Value contains an invalid currency, {currency}.")
    return _compact({"amount": f"{amount:.2f}", "currency_code": currency})


def _url(_: Shop, value: str) -> str:
    scheme = urlsplit(value).scheme.lower()
    if not scheme:
        raise Refused(_NO_SCHEME)
    if scheme not in _SCHEMES:
        raise Refused(f"Value must be one of the following URL schemes: {', '.join(_SCHEMES)}.")
    return value


def _link(_: Shop, value: str) -> str:
    given = _object(value, "Value must be a valid link.")
    if urlsplit(str(given.get("url", ""))).scheme.lower() not in _SCHEMES:
        raise Refused("Value must be a valid link.")
    return value


def _rating(_: Shop, value: str) -> str:
    message = "Value must be a stringified JSON object with value, scale_min, and scale_max fields."
    given = _object(value, message)
    try:
        number, low, high = (Decimal(str(given[key])) for key in ("value", "scale_min", "scale_max"))
    except (KeyError, InvalidOperation):
        raise Refused(message) from None
    if number > high:
        raise Refused(f"Value has a maximum of {given['scale_max']}.")
    if number < low:
        raise Refused(f"Value has a minimum of {given['scale_min']}.")
    return value


def _rich_text(shop: Shop, value: str) -> str:
    _object(_json(shop, value), "Value must be a valid rich text document.")
    return value


def _measure(type_name: str, value: str) -> str:
    given = _object(value, "Value must be a stringified JSON object with value and unit fields.")
    number, unit = given.get("value"), str(given.get("unit", ""))
    try:
        amount = float(str(number))
    except ValueError:
        raise Refused("Value must be a non-negative number.") from None
    if amount < 0 and type_name != "temperature":
        raise Refused("Value must be a non-negative number.")
    units = _UNITS.get(type_name)
    if not unit or (units is not None and _UNIT_NAMES.get(unit.lower(), unit.lower()) not in units):
        raise Refused("Value must be a supported unit.")
    return _compact({"value": amount, "unit": unit})


def _reference(shop: Shop, name: str, value: str) -> str:
    kinds = _REFERENCED.get(name)
    known = shop.find(value, *kinds) is not None if kinds else value.startswith("gid://shopify/")
    if not known:
        raise Refused(f"Value references non-existent resource {value}.")
    return value


def _object(value: str, message: str) -> dict[str, Any]:
    try:
        given = json.loads(value)
    except ValueError:
        raise Refused(message) from None
    if not isinstance(given, dict):
        raise Refused(message)
    return given


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_CHECKS: dict[str, Callable[[Shop, str], str]] = {
    "boolean": _boolean,
    "number_integer": _integer,
    "integer": _integer,
    "number_decimal": _decimal,
    "single_line_text_field": _single_line,
    "color": _color,
    "date": _date,
    "date_time": _date_time,
    "json": _json,
    "json_string": _json,
    "money": _money,
    "url": _url,
    "link": _link,
    "rating": _rating,
    "rich_text_field": _rich_text,
}
_STRUCTURED = {"json", "json_string", "money", "link", "rating", "rich_text_field", *_MEASURES}
