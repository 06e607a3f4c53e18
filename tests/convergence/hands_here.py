"""The hand here: what another program does to the tables, by plain SQL, one transaction for each edit."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, TypeAlias

from tests.convergence.views import Cursor

Rows: TypeAlias = list[tuple[Any, ...]]
WORDS = ("amber", "birch", "coral", "dune")
TAGS = ("New", "sale", "Été", "gift", "eco")
FIELDS = ("title", "vendor", "product_type", "description_html", "seo_title", "template_suffix", "seo_description")


class Here:
    """Edits of one database. `fresh` numbers what has to be unique; `kept` are products that are never deleted."""

    def __init__(self, cursor: Cursor, kept: int) -> None:
        self.cursor, self.kept = cursor, kept
        self.fresh = 0

    def edit(self, kind: str, chosen: random.Random) -> str:
        """One edit of a kind; what was done, or "" where there is nothing to do it to."""
        if kind in _WHOLE:
            return _WHOLE[kind](self, chosen)
        living = self.cursor.rows("SELECT id, shopify_id, handle FROM products WHERE deleted_at IS NULL ORDER BY id")
        if not living:
            return ""
        if kind == "delete":
            living = [row for row in living if row[0] > self.kept]
            if not living:
                return ""
        row, number, handle = chosen.choice(living)
        did = _EDITS[kind](self, chosen, row, number)
        return f"{handle or row}: {did}" if did else ""

    def next(self) -> int:
        self.fresh += 1
        return self.fresh

    def insert(self, chosen: random.Random, handle: str | None = None) -> str:
        number = self.next()
        title = f"Made here {number}" if handle is None else f"Twin {chosen.randrange(2)}"
        shop = self.cursor.rows("SELECT min(id) FROM shops")[0][0]
        own = handle if handle is not None else chosen.choice([None, f"own-{number}"])
        status = chosen.choice(["ACTIVE", "DRAFT"])
        tags = json.dumps(chosen.sample(TAGS, chosen.randrange(3)))
        self.cursor.run(
            "INSERT INTO products (shop_id, title, handle, status, vendor, tags) VALUES (?, ?, ?, ?, ?, ?)",
            shop, title, own, status, chosen.choice(WORDS), tags,
        )  # fmt: skip
        row = self.cursor.rows("SELECT max(id) FROM products")[0][0]
        sizes = chosen.sample(["S", "M", "L"], chosen.randrange(3))
        if sizes:
            self.cursor.run(
                'INSERT INTO product_options (product_id, name, position, "values") VALUES (?, ?, 1, ?)',
                row, "Size", json.dumps(sizes),
            )  # fmt: skip
        for at, size in enumerate(sizes or [""], start=1):
            self.cursor.run(
                "INSERT INTO product_variants (product_id, price, sku, position, option_values) VALUES (?, ?, ?, ?, ?)",
                row, f"{chosen.randrange(1, 4)}.50", f"N{number}-{at}", at, json.dumps({"Size": size} if size else {}),
            )  # fmt: skip
        if chosen.random() < 0.4:
            self._add_media(chosen, row, None)
        if chosen.random() < 0.4:
            self._metafield(chosen, row, None)
        return f"INSERT {title!r} ({own}) {sizes}"

    def _swap(self, chosen: random.Random) -> str:
        """Two or three products take each other's handles. Kept ones, since a deleted one keeps its handle there."""
        found = self.cursor.rows(
            "SELECT id, handle FROM products WHERE id <= ? AND shopify_id IS NOT NULL AND deleted_at IS NULL "
            "ORDER BY id",
            self.kept,
        )
        if len(found) < 2:
            return ""
        ring = chosen.sample(found, chosen.randrange(2, len(found) + 1))
        for (row, _), (_, handle) in zip(ring, [*ring[1:], ring[0]], strict=True):
            self.cursor.run("UPDATE products SET handle = ? WHERE id = ?", handle, row)
        return f"handles go round: {ring}"

    def _delete(self, chosen: random.Random, row: int, number: int | None) -> str:
        self.cursor.run("DELETE FROM products WHERE id = ?", row)
        return "DELETE"

    def _field(self, chosen: random.Random, row: int, number: int | None) -> str:
        name, word = chosen.choice(FIELDS), chosen.choice(WORDS)
        self.cursor.run(f"UPDATE products SET {name} = ? WHERE id = ?", word, row)
        return f"{name} = {word}"

    def _status(self, chosen: random.Random, row: int, number: int | None) -> str:
        word = chosen.choice(["ACTIVE", "DRAFT", "ARCHIVED"])
        self.cursor.run("UPDATE products SET status = ? WHERE id = ?", word, row)
        return f"status = {word}"

    def _handle(self, chosen: random.Random, row: int, number: int | None) -> str:
        handle = handle_for(chosen, number) if number else f"renamed-{self.next()}"
        self.cursor.run("UPDATE products SET handle = ? WHERE id = ?", handle, row)
        return f"handle = {handle}"

    def _publish(self, chosen: random.Random, row: int, number: int | None) -> str:
        moment = chosen.choice([None, "2026-11-20T08:00:00Z"])
        self.cursor.run("UPDATE products SET published_at = ? WHERE id = ?", moment, row)
        return f"published_at = {moment}"

    def _tags(self, chosen: random.Random, row: int, number: int | None) -> str:
        stored = self.cursor.rows("SELECT tags FROM products WHERE id = ?", row)[0][0]
        tags = json.loads(stored) if isinstance(stored, str) else stored
        tag = chosen.choice(TAGS)
        left = [one for one in tags if one.casefold() != tag.casefold()]
        tags = left if len(left) < len(tags) else [*tags, tag]
        self.cursor.run("UPDATE products SET tags = ? WHERE id = ?", json.dumps(tags), row)
        return f"tags = {tags}"

    def _collection(self, chosen: random.Random, row: int, number: int | None) -> str:
        found = self.cursor.rows("SELECT id FROM collections ORDER BY id")
        if not found:
            return ""
        one = chosen.choice(found)[0]
        if not self.cursor.run("DELETE FROM product_collections WHERE product_id = ? AND collection_id = ?", row, one):
            self.cursor.run("INSERT INTO product_collections (product_id, collection_id) VALUES (?, ?)", row, one)
            return f"joins {one}"
        return f"leaves {one}"

    def _metafield(self, chosen: random.Random, row: int, number: int | None) -> str:
        key, word = f"k{chosen.randrange(3)}", chosen.choice(WORDS)
        where = "WHERE owner_type = 'product' AND owner_id = ? AND namespace = 'custom' AND key = ?"
        if chosen.random() < 0.4:
            if self.cursor.run(f"DELETE FROM metafields {where}", row, key):
                return f"metafield {key} deleted"
            return ""
        if not self.cursor.run(f"UPDATE metafields SET value = ? {where}", word, row, key):
            self.cursor.run(
                "INSERT INTO metafields (owner_type, owner_id, namespace, key, type, value) "
                "VALUES ('product', ?, 'custom', ?, 'single_line_text_field', ?)",
                row, key, word,
            )  # fmt: skip
        return f"metafield {key} = {word}"

    def _variants(self, row: int) -> Rows:
        return self.cursor.rows(
            "SELECT id, option_values, sku FROM product_variants WHERE product_id = ? ORDER BY position, id", row
        )

    def _variant(self, chosen: random.Random, row: int, number: int | None) -> str:
        found = self._variants(row)
        if not found:
            return ""
        one = chosen.choice(found)[0]
        name = chosen.choice(["price", "price", "compare_at_price", "sku", "barcode", "cost"])
        value = f"{chosen.randrange(1, 4)}.{chosen.choice(['50', '5', '00'])}"
        if name in ("sku", "barcode"):
            value = chosen.choice(WORDS)
        elif name != "price" and chosen.random() < 0.3:
            self.cursor.run(f"UPDATE product_variants SET {name} = NULL WHERE id = ?", one)
            return f"variant {one} {name} = NULL"
        self.cursor.run(f"UPDATE product_variants SET {name} = ? WHERE id = ?", value, one)
        return f"variant {one} {name} = {value}"

    def _drop_variant(self, chosen: random.Random, row: int, number: int | None) -> str:
        found = self._variants(row)
        if len(found) < 2:
            return ""
        one = chosen.choice(found)
        self.cursor.run("DELETE FROM product_variants WHERE id = ?", one[0])
        return f"variant {one[:2]} deleted"

    def _options(self, row: int) -> list[tuple[int, str, list[str]]]:
        found = self.cursor.rows(
            'SELECT id, name, "values" FROM product_options WHERE product_id = ? ORDER BY position, id', row
        )
        return [(one, name, json.loads(v) if isinstance(v, str) else v) for one, name, v in found]

    def _add_variant(self, chosen: random.Random, row: int, number: int | None) -> str:
        options = [one for one in self._options(row) if one[1] != "Title"]
        if not options:
            return ""
        taken = [json.loads(v) if isinstance(v, str) else v for _, v, _ in self._variants(row)]
        values = {}
        for one, name, known in options:
            value = chosen.choice([*known, f"X{chosen.randrange(3)}"])
            values[name] = value
            if value not in known:
                self.cursor.run(
                    'UPDATE product_options SET "values" = ? WHERE id = ?', json.dumps([*known, value]), one
                )
        if values in taken:
            return ""
        self.cursor.run(
            "INSERT INTO product_variants (product_id, price, sku, position, option_values) VALUES (?, ?, ?, 99, ?)",
            row, f"{chosen.randrange(1, 4)}.50", f"A{self.next()}", json.dumps(values),
        )  # fmt: skip
        return f"variant {values} added"

    def _rename_option(self, chosen: random.Random, row: int, number: int | None) -> str:
        options = [one for one in self._options(row) if one[1] != "Title"]
        if not options:
            return ""
        one, old, _ = chosen.choice(options)
        new = chosen.choice(["Size", "Grosse", "Taille", "Colour", "Farbe"])
        if new in [name for _, name, _ in options]:
            return ""
        self.cursor.run("UPDATE product_options SET name = ? WHERE id = ?", new, one)
        for variant, stored, _ in self._variants(row):
            values = json.loads(stored) if isinstance(stored, str) else stored
            named = {new if name == old else name: value for name, value in values.items()}
            self.cursor.run("UPDATE product_variants SET option_values = ? WHERE id = ?", json.dumps(named), variant)
        return f"option {old} -> {new}"

    def _media(self, row: int) -> Rows:
        return self.cursor.rows("SELECT id FROM product_media WHERE product_id = ? ORDER BY position, id", row)

    def _add_media(self, chosen: random.Random, row: int, number: int | None) -> str:
        url = f"https://x.test/here-{self.next()}.jpg"
        self.cursor.run(
            "INSERT INTO product_media (product_id, url, alt, position) VALUES (?, ?, ?, ?)",
            row, url, chosen.choice(WORDS), len(self._media(row)) + 1,
        )  # fmt: skip
        return f"media {url}"

    def _drop_media(self, chosen: random.Random, row: int, number: int | None) -> str:
        found = self._media(row)
        if not found:
            return ""
        one = chosen.choice(found)[0]
        self.cursor.run("DELETE FROM product_media WHERE id = ?", one)
        return f"media {one} deleted"

    def _alt(self, chosen: random.Random, row: int, number: int | None) -> str:
        found = self._media(row)
        if not found:
            return ""
        one, word = chosen.choice(found)[0], chosen.choice(WORDS)
        self.cursor.run("UPDATE product_media SET alt = ? WHERE id = ?", word, one)
        return f"media {one} alt = {word}"

    def _move_media(self, chosen: random.Random, row: int, number: int | None) -> str:
        found = [one for (one,) in self._media(row)]
        if len(found) < 2:
            return ""
        chosen.shuffle(found)
        for at, one in enumerate(found, start=1):
            self.cursor.run("UPDATE product_media SET position = ? WHERE id = ?", at, one)
        return f"media order {found}"

    def _move_variants(self, chosen: random.Random, row: int, number: int | None) -> str:
        found = [one for one, _, _ in self._variants(row)]
        return self._moved("product_variants", found, chosen)

    def _move_options(self, chosen: random.Random, row: int, number: int | None) -> str:
        found = [one for one, _, _ in self._options(row)]
        return self._moved("product_options", found, chosen)

    def _moved(self, table: str, found: list[int], chosen: random.Random) -> str:
        """In another order, with numbers that need not be close together."""
        if len(found) < 2:
            return ""
        chosen.shuffle(found)
        step = chosen.choice([1, 10])
        for at, one in enumerate(found, start=1):
            self.cursor.run(f"UPDATE {table} SET position = ? WHERE id = ?", at * step, one)
        return f"{table} order {found}"


def handle_for(chosen: random.Random, number: int) -> str:
    """One of two handles that a product of this id may get, on either side."""
    return f"p{number % 10_000}-{chosen.randrange(2)}"


_WHOLE: dict[str, Callable[[Here, random.Random], str]] = {"insert": Here.insert, "swap": Here._swap}
_Edit: TypeAlias = Callable[[Here, random.Random, int, int | None], str]
_EDITS: dict[str, _Edit] = {
    "delete": Here._delete,
    "field": Here._field,
    "status": Here._status,
    "handle": Here._handle,
    "publish": Here._publish,
    "tags": Here._tags,
    "collection": Here._collection,
    "metafield": Here._metafield,
    "variant": Here._variant,
    "add_variant": Here._add_variant,
    "drop_variant": Here._drop_variant,
    "rename_option": Here._rename_option,
    "add_media": Here._add_media,
    "drop_media": Here._drop_media,
    "alt": Here._alt,
    "move_media": Here._move_media,
    "move_variants": Here._move_variants,
    "move_options": Here._move_options,
}
