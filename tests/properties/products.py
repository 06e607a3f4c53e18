"""Product records and edits of them, made up by chance: what both sides of a merge may hold.

All of a case follows from one number, so that Hypothesis can look for it and a person can replay it.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, TypeAlias

from shopify_sync.entities import entity
from shopify_sync.records import Record

Three: TypeAlias = tuple[Record, Record, Record]
Edit: TypeAlias = tuple[str, int, int]  # what, which element, which value
ENTITY = entity("products")

TEXTS = ("", None, "Mug", "mug", " Mug ", "Tasse 杯", "<p>a &amp; b</p>")
PRICES = (Decimal("10"), Decimal("10.0"), Decimal("10.00"), Decimal("9.5"), Decimal("0"), None)
TAGS = ("Red", "red", "RED ", "blue", "Größe", "GRÖSSE", "x")
VALUES = (("S", "M", "L"), ("Red", "Blue"))
NAMES = ("Size", "Color", "Shape", "Material")
TIMES = (
    None,
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC),
    datetime(2026, 2, 1, tzinfo=UTC),
)
SCALARS = (
    "title",
    "description_html",
    "vendor",
    "product_type",
    "template_suffix",
    "seo_title",
    "category_id",
    "handle",
)


def variant(number: int | None, values: dict[str, str], price: Decimal | None, position: int) -> Record:
    return {
        "shopify_id": number,
        "inventory_item_id": None if number is None else number + 5000,
        "title": " / ".join(values.values()),
        "sku": f"SKU-{'-'.join(values.values())}",
        "barcode": None,
        "position": position,
        "price": price,
        "compare_at_price": None,
        "option_values": values,
        "taxable": True,
        "inventory_policy": "DENY",
        "weight": Decimal("0.0"),
        "weight_unit": "KILOGRAMS",
        "requires_shipping": True,
        "tracked": False,
        "cost": None,
        "country_code_of_origin": None,
        "harmonized_system_code": None,
    }


def medium(number: int | None, name: str) -> Record:
    return {
        "shopify_id": number,
        "url": f"https://x.test/{name}.jpg",
        "alt": "",
        "media_type": "IMAGE",
        "status": "READY",
    }


def metafield(number: int | None, key: str, value: str) -> Record:
    return {
        "shopify_id": number,
        "namespace": "custom",
        "key": key,
        "type": "single_line_text_field",
        "value": value,
        "compare_digest": f"digest of {value}",
    }


def collection(number: int) -> Record:
    return {"shopify_id": number, "handle": f"c{number}", "title": f"C {number}"}


def base(chance: Random) -> Record:
    """A product as both sides last agreed on it."""
    options = chance.randint(1, 2)
    combinations = list(itertools.product(*VALUES[:options]))
    chosen = sorted(chance.sample(combinations, chance.randint(1, min(4, len(combinations)))))
    made = [dict(zip(NAMES, values, strict=False)) for values in chosen]
    texts = ("description_html", "vendor", "seo_title", "template_suffix")
    return {
        "shopify_id": 1,
        **{name: chance.choice(TEXTS) for name in texts},
        "title": "Mug",
        "handle": "mug",
        "product_type": "",
        "category_id": None,
        "seo_description": None,
        "status": "ACTIVE",
        "tags": chance.sample(["Red", "blue", "Größe"], chance.randint(0, 3)),
        "is_gift_card": False,
        "requires_selling_plan": False,
        "published_at": chance.choice(TIMES),
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "options": [
            {
                "shopify_id": 10 + at,
                "name": NAMES[at],
                "position": at + 1,
                "values": [v for v in VALUES[at] if any(one[NAMES[at]] == v for one in made)],
            }
            for at in range(options)
        ],
        "variants": [variant(100 + at, values, chance.choice(PRICES[:5]), at + 1) for at, values in enumerate(made)],
        "media": [medium(200 + at, f"m{at}") for at in range(chance.randint(0, 3))],
        "metafields": [metafield(300 + at, f"k{at}", "v") for at in range(chance.randint(0, 2))],
        "collections": [collection(400 + at) for at in range(chance.randint(0, 2))],
    }


STRUCTURE = (
    "add_media",
    "add_variant",
    "alt",
    "move_media",
    "move_value",
    "move_variant",
    "remove_media",
    "remove_variant",
    "rename_option",
    "rename_value",
    "sku",
)
KINDS: dict[str, Callable[[Record, int, int, bool], None]] = {}


def _kind(made: Callable[[Record, int, int, bool], None]) -> None:
    KINDS[made.__name__] = made


def edits(chance: Random, kinds: Sequence[str]) -> list[Edit]:
    count = chance.randint(1, 4)
    return [(chance.choice(kinds), chance.choice((0, 0, 0, 1, 2, 3)), chance.randint(0, 6)) for _ in range(count)]


def clash(number: int) -> Three:
    """Base, local and remote, all from one number. Few kinds of edits at a time, so that both sides often touch the
    same: where elements come, go and move, or anywhere."""
    chance = Random(number)
    begun = base(chance)
    kinds = chance.sample(STRUCTURE if number % 2 else sorted(KINDS), chance.randint(1, 3))
    ours, theirs = edits(chance, kinds), edits(chance, kinds)
    return begun, edited(begun, ours, here=True), edited(begun, theirs, here=False)


def edited(record: Record, changes: Sequence[Edit], *, here: bool) -> Record:
    """A copy with edits made to it: by somebody here (new elements have no ids) or on Shopify (they have)."""
    result = copy.deepcopy(record)
    for kind, at, value in changes:
        KINDS[kind](result, at, value, here)
    return result


def _at(items: list[Any], at: int) -> Any:
    return items[at % len(items)]


@_kind
def scalar(record: Record, at: int, value: int, here: bool) -> None:
    record[SCALARS[(at * 7 + value) % len(SCALARS)]] = TEXTS[value]


@_kind
def title(record: Record, at: int, value: int, here: bool) -> None:
    record["title"] = ("One", "Two", "Three", "")[at]


@_kind
def status(record: Record, at: int, value: int, here: bool) -> None:
    record["status"] = ("ACTIVE", "DRAFT", "ARCHIVED")[value % 3]


@_kind
def published(record: Record, at: int, value: int, here: bool) -> None:
    record["published_at"] = TIMES[value % 4]


@_kind
def add_tag(record: Record, at: int, value: int, here: bool) -> None:
    if TAGS[value].strip().casefold() not in {tag.strip().casefold() for tag in record["tags"]}:
        record["tags"].append(TAGS[value])


@_kind
def remove_tag(record: Record, at: int, value: int, here: bool) -> None:
    if record["tags"]:
        record["tags"].pop(at % len(record["tags"]))


@_kind
def spell_tag(record: Record, at: int, value: int, here: bool) -> None:
    if record["tags"]:
        place = at % len(record["tags"])
        record["tags"][place] = record["tags"][place].swapcase()


@_kind
def price(record: Record, at: int, value: int, here: bool) -> None:
    _at(record["variants"], at)["price"] = PRICES[value % 6] if here or value % 6 != 5 else PRICES[0]


@_kind
def compare_at(record: Record, at: int, value: int, here: bool) -> None:
    _at(record["variants"], at)["compare_at_price"] = PRICES[value % 6]


@_kind
def sku(record: Record, at: int, value: int, here: bool) -> None:
    _at(record["variants"], at)["sku"] = TEXTS[value % 5]


@_kind
def remove_variant(record: Record, at: int, value: int, here: bool) -> None:
    if len(record["variants"]) > 1:
        record["variants"].pop(at % len(record["variants"]))
        _number(record)
        for option in record["options"]:  # a value goes with its last variant
            used = {one["option_values"][option["name"]] for one in record["variants"]}
            option["values"] = [value for value in option["values"] if value in used]


@_kind
def add_variant(record: Record, at: int, value: int, here: bool) -> None:
    taken = [one["option_values"] for one in record["variants"]]
    pool = [[*option["values"], "XL"] for option in record["options"]]
    names = [option["name"] for option in record["options"]]
    free = [
        values for chosen in itertools.product(*pool) if (values := dict(zip(names, chosen, strict=True))) not in taken
    ]
    if not free:
        return
    values = free[value % len(free)]
    known = {one["shopify_id"] for one in record["variants"]}
    number = None if here else next(n for n in range(900, 999) if n not in known)
    record["variants"].insert(at % (len(record["variants"]) + 1), variant(number, values, PRICES[value % 5], 0))
    for option in record["options"]:
        if values[option["name"]] not in option["values"]:
            option["values"].append(values[option["name"]])
    _number(record)


@_kind
def move_variant(record: Record, at: int, value: int, here: bool) -> None:
    record["variants"].append(record["variants"].pop(at % len(record["variants"])))
    _number(record)


@_kind
def rename_value(record: Record, at: int, value: int, here: bool) -> None:
    option = _at(record["options"], at)
    old, new = _at(option["values"], value), ("Small", "Tiny", "Grande")[value % 3]
    if new in option["values"]:
        return
    option["values"] = [new if name == old else name for name in option["values"]]
    for one in record["variants"]:
        if one["option_values"][option["name"]] == old:
            one["option_values"][option["name"]] = new


@_kind
def rename_option(record: Record, at: int, value: int, here: bool) -> None:
    option, new = _at(record["options"], at), NAMES[2 + value % 2]
    if any(other["name"] == new for other in record["options"]):
        return
    old, option["name"] = option["name"], new
    for one in record["variants"]:
        one["option_values"] = {new if k == old else k: v for k, v in one["option_values"].items()}


@_kind
def move_value(record: Record, at: int, value: int, here: bool) -> None:
    values = _at(record["options"], at)["values"]
    values.append(values.pop(value % len(values)))


@_kind
def alt(record: Record, at: int, value: int, here: bool) -> None:
    if record["media"]:
        _at(record["media"], at)["alt"] = TEXTS[value]


@_kind
def remove_media(record: Record, at: int, value: int, here: bool) -> None:
    if record["media"]:
        record["media"].pop(at % len(record["media"]))


@_kind
def add_media(record: Record, at: int, value: int, here: bool) -> None:
    known = {one["shopify_id"] for one in record["media"]}
    number = None if here else next(n for n in range(950, 999) if n not in known)
    made = medium(number, f"{'here' if here else 'there'}{value}")
    if all(one["url"] != made["url"] for one in record["media"]):
        record["media"].insert(at % (len(record["media"]) + 1), made)


@_kind
def move_media(record: Record, at: int, value: int, here: bool) -> None:
    if record["media"]:
        record["media"].append(record["media"].pop(at % len(record["media"])))


@_kind
def set_metafield(record: Record, at: int, value: int, here: bool) -> None:
    key = f"k{at}"
    one = next((item for item in record["metafields"] if item["key"] == key), None)
    if one is None:
        one = metafield(None if here else 970 + at, key, "")
        record["metafields"].append(one)
    one["value"] = ("1", "2", "v")[value % 3]
    if not here:
        one["compare_digest"] = f"digest of {one['value']}"


@_kind
def type_metafield(record: Record, at: int, value: int, here: bool) -> None:
    if record["metafields"]:
        _at(record["metafields"], at)["type"] = ("number_integer", "multi_line_text_field")[value % 2]


@_kind
def remove_metafield(record: Record, at: int, value: int, here: bool) -> None:
    if record["metafields"]:
        record["metafields"].pop(at % len(record["metafields"]))


@_kind
def join(record: Record, at: int, value: int, here: bool) -> None:
    if all(one["shopify_id"] != 400 + at for one in record["collections"]):
        record["collections"].append(collection(400 + at))


@_kind
def leave(record: Record, at: int, value: int, here: bool) -> None:
    if record["collections"]:
        record["collections"].pop(at % len(record["collections"]))


def _number(record: Record) -> None:
    for at, one in enumerate(record["variants"], start=1):
        one["position"] = at
