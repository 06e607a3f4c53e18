"""Amounts in two currencies, to the smallest unit of each: the numbers that order_money.py reckons with.

An amount is a `Bag`: shop money and presentment money side by side. In records it is a text, `12.00` where both
currencies are the same one, `17.01|12.50` (shop, presentment) where they differ. Nothing here rounds more than once,
and parts always add up to their whole.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Record = Mapping[str, Any]

# Digits behind the point that are not two. Source: ISO 4217.
_PLACES = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_UNITS = {places: Decimal(1).scaleb(-places) for places in (0, 2, 3)}
# What one US dollar buys, for amounts that come in one currency only. Made up, but of the right size.
_PER_DOLLAR = {
    "USD": "1", "CAD": "1.36", "EUR": "0.92", "GBP": "0.79", "JPY": "151.4", "KRW": "1365", "KWD": "0.307",
    "BHD": "0.376", "AUD": "1.52", "CHF": "0.89", "SEK": "10.6", "INR": "83.4", "CLP": "935", "TND": "3.11",
}  # fmt: skip


def unit(currency: str) -> Decimal:
    """The smallest amount of a currency."""
    return _UNITS[_PLACES.get(currency, 2)]


def rounded(amount: Decimal, currency: str) -> Decimal:
    """`amount` to the smallest unit, half up."""
    return amount.quantize(unit(currency), ROUND_HALF_UP)


def market_rate(shop: str, presentment: str) -> Decimal:
    """How much presentment money one unit of shop money is; 1 for currencies that the table does not have."""
    if shop == presentment or shop not in _PER_DOLLAR or presentment not in _PER_DOLLAR:
        return Decimal(1)
    return (Decimal(_PER_DOLLAR[presentment]) / Decimal(_PER_DOLLAR[shop])).quantize(Decimal("0.000001"))


@dataclass(frozen=True, slots=True)
class Bag:
    """An amount in both currencies of an order."""

    shop: Decimal
    presentment: Decimal

    def __add__(self, other: Bag) -> Bag:
        return Bag(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: Bag) -> Bag:
        return Bag(self.shop - other.shop, self.presentment - other.presentment)

    def __neg__(self) -> Bag:
        return Bag(-self.shop, -self.presentment)

    def times(self, count: int) -> Bag:
        return Bag(self.shop * count, self.presentment * count)

    def __bool__(self) -> bool:
        return bool(self.shop or self.presentment)


ZERO = Bag(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Currencies:
    """The shop's and the customer's currency, and what one unit of the first is in the second."""

    shop: str
    presentment: str
    rate: Decimal = Decimal(1)

    @property
    def same(self) -> bool:
        return self.shop == self.presentment

    def bag(self, shop: Decimal, presentment: Decimal | None = None) -> Bag:
        """An amount of shop money with its presentment money, converted when not given."""
        first = rounded(shop, self.shop)
        if self.same:
            return Bag(first, first)
        given = shop * self.rate if presentment is None else presentment
        return Bag(first, rounded(given, self.presentment))

    def text(self, amount: Bag) -> str:
        """An amount as records keep it; most orders have the same few amounts many times, kept once in memory."""
        if self.same:
            return sys.intern(str(rounded(amount.shop, self.shop)))
        return sys.intern(f"{rounded(amount.shop, self.shop)}|{rounded(amount.presentment, self.presentment)}")

    def share(self, whole: Bag, part: int, of: int) -> Bag:
        """The share of the first `part` of `of` equal units."""
        if part == of:
            return whole
        if part == 0 or of == 0:
            return ZERO
        shop = rounded(whole.shop * part / of, self.shop)
        return Bag(shop, shop if self.same else rounded(whole.presentment * part / of, self.presentment))

    def split(self, whole: Bag, weights: Sequence[Bag]) -> list[Bag]:
        """Parts of `whole` in proportion to the weights; none exceeds its weight where `whole` does not exceed all."""
        shop = split(whole.shop, [weight.shop for weight in weights], self.shop)
        if self.same:
            return [Bag(part, part) for part in shop]
        other = split(whole.presentment, [weight.presentment for weight in weights], self.presentment)
        return [Bag(first, second) for first, second in zip(shop, other, strict=True)]


def split(whole: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """`whole` in parts proportional to `weights`, whose sum is exactly `whole`; all on the first when none weighs."""
    total = sum(weights, Decimal(0))
    if not total:
        return [whole if place == 0 else Decimal(0) for place in range(len(weights))]
    parts: list[Decimal] = []
    reached = given = Decimal(0)
    for weight in weights:
        reached += weight
        upto = rounded(whole * reached / total, currency)
        parts.append(upto - given)
        given = upto
    return parts


def parse(text: str) -> Bag:
    """The amount that a record keeps."""
    first, bar, second = text.partition("|")
    shop = Decimal(first)
    return Bag(shop, Decimal(second) if bar else shop)


def total_of(rows: Iterable[Record], key: str = "amount") -> Bag:
    """The sum of the amounts of some rows."""
    found = ZERO
    for row in rows:
        found += parse(row[key])
    return found
