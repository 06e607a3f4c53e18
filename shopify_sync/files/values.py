"""Cells as values: money, flags, weights, texts. Each raises BadValue naming the column."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from shopify_sync.files.items import BadValue
from shopify_sync.spec.handles import slug

_MONEY = re.compile(r"\d+(\.\d+)?|\.\d+")
_TRUE, _FALSE = {"true", "yes", "1", "y", "t"}, {"false", "no", "0", "n", "f"}
_STATUSES = ("ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED")
# Unit in the file -> Shopify's name of it, and how many grams it has (exactly).
_UNITS = {
    "kg": ("KILOGRAMS", Decimal(1000)),
    "g": ("GRAMS", Decimal(1)),
    "lb": ("POUNDS", Decimal("453.59237")),
    "oz": ("OUNCES", Decimal("28.349523125")),
}
# Shopify refuses amounts from here on (recorded). Beyond it, 1e9999999 would fill the memory.
_MOST = Decimal(10) ** 18
UNIT_NAMES = tuple(name for name, _ in _UNITS.values())


def money(column: str, text: str) -> Decimal:
    """A price as plain digits: no currency sign, no thousands separator, not negative."""
    if not (_MONEY.fullmatch(text) and text.isascii()):
        raise BadValue(column, f"{text[:40]!r} is no price; write it like 19.90")
    if (amount := Decimal(text)) >= _MOST:
        raise BadValue(column, f"{text[:40]!r} is more than Shopify takes")
    return amount


def flag(column: str, text: str) -> bool:
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadValue(column, f"{text!r} is neither true nor false")


def status(column: str, text: str) -> str:
    if text.upper() not in _STATUSES:
        raise BadValue(column, f"{text!r} is no status; one of {', '.join(_STATUSES).lower()}")
    return text.upper()


def whole(column: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadValue(column, f"{text!r} is no whole number")
    return int(text)


def weight(column: str, grams: str, unit: str) -> tuple[Decimal, str]:
    """(value, unit) as Shopify shows it: the file has grams, and the unit to show them in."""
    try:
        value = Decimal(grams)
    except InvalidOperation:
        raise BadValue(column, f"{grams!r} is no weight in grams") from None
    if not value.is_finite() or not 0 <= value < _MOST:
        raise BadValue(column, f"{grams[:40]!r} is no weight in grams")
    known = _UNITS.get(unit.lower() or "kg")
    if known is None:
        raise BadValue(column, f"{unit!r} is no unit of weight; one of {', '.join(_UNITS)}")
    name, size = known
    shown = (value / size).quantize(Decimal("0.0001")).normalize()
    return (shown if shown else Decimal(0)), name


def address(column: str, text: str) -> str:
    """The URL of an image."""
    if not re.fullmatch(r"https?://[^\s/]+\S*", text):
        raise BadValue(column, f"{text[:80]!r} is no image URL")
    return text


def tags(text: str) -> list[str]:
    return list(dict.fromkeys(tag for part in text.split(",") if (tag := part.strip())))


def clean(column: str, text: str) -> str:
    """A cell without what no database takes. Raises BadValue for bytes that are not UTF-8, and for NUL."""
    if "\x00" in text:
        raise BadValue(column, "the cell has a NUL byte")
    if any("\udc80" <= letter <= "\udcff" for letter in text):
        raise BadValue(column, "the cell is not UTF-8; save the file as CSV UTF-8")
    return text.strip()


def handle(column: str, text: str) -> str:
    """The handle as Shopify will spell it, so that the same file finds its products again after a push."""
    found = slug(clean(column, text))
    if not found:
        raise BadValue(column, f"{text[:40]!r} has no letter and no digit, so it is no handle")
    return found


def again(given: str, handle: str) -> str:
    """What is told of a handle that comes again, `given` as the file spells it."""
    spelled = f" (Shopify spells it {handle!r})" if given != handle else ""
    return f"the handle stands further up already{spelled}"
