"""The hand there: what a merchant does in Shopify's admin, by the sandbox's own merchant."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeAlias

from shopify_sync.sandbox import SandboxServer
from shopify_sync.sandbox.merchant import BadControl
from shopify_sync.sandbox.state import Record
from tests.convergence.hands_here import FIELDS, TAGS, WORDS, handle_for

_NAMES = {
    "product_type": "productType",
    "description_html": "descriptionHtml",
    "template_suffix": "templateSuffix",
}
Change: TypeAlias = dict[str, Any]


class There:
    """Edits of one shop. The first `kept` products are never deleted."""

    def __init__(self, server: SandboxServer, kept: set[int]) -> None:
        self.server, self.shop, self.kept = server, server.shop, kept
        self.fresh = 0

    def edit(self, kind: str, chosen: random.Random) -> str:
        """One edit of a kind; what was done, or "" where there was nothing to do it to."""
        if kind in ("insert", "swap"):  # the admin lets nobody swap handles at once
            return self.insert(chosen)
        products = list(self.shop.table("Product").values())
        if kind == "delete":
            products = [one for one in products if one["id"] not in self.kept]
        if not products:
            return ""
        product = chosen.choice(products)
        change = _EDITS[kind](self, chosen, product)
        if not change:
            return ""
        try:
            self.server.edit(product=product["handle"], **change)
        except BadControl as error:
            return f"{product['handle']}: refused, {error}"
        return f"{product['handle']}: {change}"

    def next(self) -> int:
        self.fresh += 1
        return self.fresh

    def insert(self, chosen: random.Random, handle: str | None = None) -> str:
        number = self.next()
        given: Change = {"title": f"Made there {number}" if handle is None else f"Twin {chosen.randrange(2)}"}
        given |= {"vendor": chosen.choice(WORDS), "tags": chosen.sample(TAGS, chosen.randrange(3))}
        given["price"] = f"{chosen.randrange(1, 4)}.50"
        if handle is not None:
            given["handle"] = handle
        sizes = chosen.sample(["S", "M", "L"], chosen.randrange(3))
        if sizes:
            del given["price"]
            given |= {
                "options": {"Size": sizes},
                "variants": [{"values": {"Size": size}, "price": f"{chosen.randrange(1, 4)}.50"} for size in sizes],
            }
        if chosen.random() < 0.4:
            given |= self._add_media(chosen, {})
        if chosen.random() < 0.4:
            given["metafields"] = [_metafield(f"k{chosen.randrange(3)}", chosen.choice(WORDS))]
        try:
            self.server.edit(create=given)
        except BadControl as error:
            return f"create refused, {error}"
        return f"create {given}"

    def _delete(self, chosen: random.Random, product: Record) -> Change:
        return {"delete": True}

    def _field(self, chosen: random.Random, product: Record) -> Change:
        name, word = chosen.choice(FIELDS), chosen.choice(WORDS)
        if name.startswith("seo_"):
            return {"set": {"seo": {name.removeprefix("seo_"): word}}}
        return {"set": {_NAMES.get(name, name): word}}

    def _status(self, chosen: random.Random, product: Record) -> Change:
        return {"set": {"status": chosen.choice(["ACTIVE", "DRAFT", "ARCHIVED"])}}

    def _handle(self, chosen: random.Random, product: Record) -> Change:
        return {"set": {"handle": handle_for(chosen, product["id"])}}

    def _publish(self, chosen: random.Random, product: Record) -> Change:
        return {"publish": chosen.random() < 0.5}

    def _tags(self, chosen: random.Random, product: Record) -> Change:
        tag = chosen.choice(TAGS)
        there = tag.casefold() in [one.casefold() for one in product["tags"]]
        return {"removeTags" if there else "addTags": [tag]}

    def _collection(self, chosen: random.Random, product: Record) -> Change:
        found = [one["id"] for one in self.shop.table("Collection").values()]
        if not found:
            return {}
        one = chosen.choice(found)
        key = "leave" if one in product["collectionIds"] else "join"
        return {key: [self.shop.gid("Collection", one)]}

    def _metafield(self, chosen: random.Random, product: Record) -> Change:
        key = f"k{chosen.randrange(3)}"
        if chosen.random() < 0.4:
            return {"deleteMetafields": [{"namespace": "custom", "key": key}]}
        return {"metafields": [_metafield(key, chosen.choice(WORDS))]}

    def _variant(self, chosen: random.Random, product: Record) -> Change:
        position = chosen.randrange(len(product["variantIds"])) + 1
        name = chosen.choice(["price", "price", "compareAtPrice", "newSku", "barcode", "cost"])
        value: Any = f"{chosen.randrange(1, 4)}.{chosen.choice(['50', '5', '00'])}"
        if name in ("newSku", "barcode"):
            value = chosen.choice(WORDS)
        elif name != "price" and chosen.random() < 0.3:
            value = None
        if name == "cost":
            return {"variants": [{"position": position, "inventoryItem": {"cost": value}}]}
        return {"variants": [{"position": position, name: value}]}

    def _add_variant(self, chosen: random.Random, product: Record) -> Change:
        options = [one for one in product["options"] if one["name"] != "Title"]
        if not options:
            return {}
        values = {
            one["name"]: chosen.choice([*(v["name"] for v in one["optionValues"]), f"X{chosen.randrange(3)}"])
            for one in options
        }
        return {"addVariants": [{"values": values, "price": f"{chosen.randrange(1, 4)}.50"}]}

    def _drop_variant(self, chosen: random.Random, product: Record) -> Change:
        if len(product["variantIds"]) < 2:
            return {}
        return {"removeVariants": [{"position": chosen.randrange(len(product["variantIds"])) + 1}]}

    def _rename_option(self, chosen: random.Random, product: Record) -> Change:
        options = [one["name"] for one in product["options"] if one["name"] != "Title"]
        if not options:
            return {}
        return {
            "renameOptions": {chosen.choice(options): chosen.choice(["Size", "Grosse", "Taille", "Colour", "Farbe"])}
        }

    def _add_media(self, chosen: random.Random, product: Record) -> Change:
        return {"addMedia": [{"url": f"https://y.test/there-{self.next()}.jpg", "alt": chosen.choice(WORDS)}]}

    def _drop_media(self, chosen: random.Random, product: Record) -> Change:
        if not product["mediaIds"]:
            return {}
        return {"removeMedia": [{"position": chosen.randrange(len(product["mediaIds"])) + 1}]}

    def _alt(self, chosen: random.Random, product: Record) -> Change:
        if not product["mediaIds"]:
            return {}
        return {"media": [{"position": chosen.randrange(len(product["mediaIds"])) + 1, "alt": chosen.choice(WORDS)}]}

    def _move_media(self, chosen: random.Random, product: Record) -> Change:
        count = len(product["mediaIds"])
        if count < 2:
            return {}
        gids = [self.shop.gid("MediaImage", number) for number in product["mediaIds"]]
        chosen.shuffle(gids)
        return {"reorderMedia": [{"id": gid} for gid in gids]}

    def _move_variants(self, chosen: random.Random, product: Record) -> Change:
        places = list(range(1, len(product["variantIds"]) + 1))
        if len(places) < 2:
            return {}
        chosen.shuffle(places)
        return {"reorderVariants": places}

    def _move_options(self, chosen: random.Random, product: Record) -> Change:
        names = [one["name"] for one in product["options"]]
        if len(names) < 2:
            return {}
        chosen.shuffle(names)
        return {"reorderOptions": names}


def _metafield(key: str, value: str) -> Change:
    return {"namespace": "custom", "key": key, "type": "single_line_text_field", "value": value}


_Edit: TypeAlias = Callable[[There, random.Random, Record], Change]
_EDITS: dict[str, _Edit] = {
    "delete": There._delete,
    "field": There._field,
    "status": There._status,
    "handle": There._handle,
    "publish": There._publish,
    "tags": There._tags,
    "collection": There._collection,
    "metafield": There._metafield,
    "variant": There._variant,
    "add_variant": There._add_variant,
    "drop_variant": There._drop_variant,
    "rename_option": There._rename_option,
    "add_media": There._add_media,
    "drop_media": There._drop_media,
    "alt": There._alt,
    "move_media": There._move_media,
    "move_variants": There._move_variants,
    "move_options": There._move_options,
}
