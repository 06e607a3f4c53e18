"""A hard case in a folder: what both sides were and did, what the plan says of it, and how both sides end.

`case.yaml`: `about` (what the design demands), `shop` (edits of the merchant that make the shop), `here` (SQL) and
`there` (edits of the merchant) after the first pull, `before` (SQL before it, for a first link), `settings` of the
entity, `postgres: true` to run on both databases, `full: true` for a sync that compares all ids. In SQL, `{mug}` is
the local id of the product with that handle, `{shop}` the shop's, `{collection:sale}` a collection's.
`plan.json`: the plan's lines. `end.yaml`: exit code, conflicts, and every product of both sides.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from shopify_sync.app.planning import sync_plan
from shopify_sync.app.running import worst
from shopify_sync.config import EntitySettings, Settings
from shopify_sync.config.settings import DeleteSettings
from shopify_sync.sandbox import SandboxServer
from tests.world import World

CASES = Path(__file__).parent / "cases"
# Shopify's own numbers and times, which are others in every run.
_OURS = {"shopify_id", "inventory_item_id", "compare_digest", "created_at", "status"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_SCALARS = (
    "title", "description_html", "vendor", "product_type", "status", "category_id", "template_suffix", "seo_title",
    "seo_description",
)  # fmt: skip


class _World(World):
    """With settings of products."""

    chosen: EntitySettings = EntitySettings()

    @property
    def settings(self) -> Settings:
        return replace(super().settings, entities={"products": self.chosen})


@dataclass
class Outcome:
    plan: list[dict[str, Any]]
    end: dict[str, Any]
    idle: bool


class Case:
    def __init__(self, name: str) -> None:
        self.name, self.folder = name, CASES / name
        self.given: dict[str, Any] = yaml.safe_load((self.folder / "case.yaml").read_text())
        unknown = self.given.keys() - {"about", "shop", "before", "here", "there", "settings", "postgres", "full"}
        assert not unknown, f"{name}: {unknown}"

    @property
    def databases(self) -> list[str]:
        return ["sqlite", "postgres"] if self.given.get("postgres") else ["sqlite"]

    def expected(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        plan = json.loads((self.folder / "plan.json").read_text())
        return plan, yaml.safe_load((self.folder / "end.yaml").read_text())

    def write(self, outcome: Outcome) -> None:
        plan = ",\n".join(f"  {json.dumps(line, ensure_ascii=False)}" for line in outcome.plan)
        (self.folder / "plan.json").write_text(f"[\n{plan}\n]\n" if plan else "[]\n")
        text = yaml.safe_dump(outcome.end, allow_unicode=True, sort_keys=False, width=118)
        (self.folder / "end.yaml").write_text(text)

    def play(self, url: str, other_url: str) -> Outcome:
        """Everything once. The plan changes nothing; `idle` tells whether a second sync wrote nothing either."""
        with SandboxServer(products=0, seed=7) as server:
            world = _World(server, url)
            world.chosen = _settings(self.given.get("settings") or {})
            for change in self.given.get("shop") or ():
                server.edit(**change)
            with world.app() as app:
                app.shop  # noqa: B018 - makes the shop's row
            self._sql(world, "before")
            if "before" not in self.given:
                world.pull()
            self._sql(world, "here")
            for change in self.given.get("there") or ():
                server.edit(**change)
            return self._play(world, World(server, other_url))

    def _play(self, world: World, other: World) -> Outcome:
        full = bool(self.given.get("full"))
        before = (world.server.digest(), world.revisions())
        with world.app(dry_run=True) as app:
            actions = sync_plan(app, full=full).as_json()["actions"]
        plan = _plan(actions, dict(world.rows("SELECT shopify_id, handle FROM collections")))
        assert (world.server.digest(), world.revisions()) == before, "a plan wrote something"
        runs = world.sync(full=full)
        other.pull()
        end = {
            "exit": worst(runs),
            "conflicts": _conflicts(world),
            "shopify": _products(other),
            "database": _products(world),
        }
        if end["database"] == end["shopify"]:
            end["database"] = "the same"
        before = (world.server.stats()["mutations"], world.revisions())
        again = world.sync(full=full)
        idle = (world.server.stats()["mutations"], world.revisions()) == before
        assert worst(again) == end["exit"]
        assert end["conflicts"] == _conflicts(world)
        return Outcome(plan, end, idle)

    def _sql(self, world: World, key: str) -> None:
        for statement in self.given.get(key) or ():
            count = world.sql(_filled(world, statement))
            assert count, f"{self.name}: no row met by {statement}"


def _filled(world: World, statement: str) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name == "shop":
            return str(world.value("SELECT min(id) FROM shops"))
        table = "collections" if name.startswith("collection:") else "products"
        handle = name.removeprefix("collection:")
        return str(world.value(f"SELECT max(id) FROM {table} WHERE handle = ?", handle))

    return re.sub(r"\{([a-z0-9:-]+)\}", value, statement).replace("%", "%%" if "postgres" in world.url else "%")


def _settings(given: dict[str, Any]) -> EntitySettings:
    deletes = DeleteSettings(**given.get("deletes", {}))
    return EntitySettings(**{k: v for k, v in given.items() if k != "deletes"}, deletes=deletes)


def _plan(actions: list[dict[str, Any]], collections: dict[int, str]) -> list[dict[str, Any]]:
    """A line for each field; one without a field where an action has none. Shopify's own numbers are left out."""

    def named(path: str) -> str:
        return re.sub(r"^collections\[(\d+)\]", lambda found: f"collections[{collections[int(found[1])]}]", path)

    told = []
    for action in actions:
        head = {"record": action["record"], "direction": action["direction"], "kind": action["kind"]}
        changes = [
            {**head, "field": named(line["field"]), "from": _shown(line["from"]), "to": _shown(line["to"])}
            for line in action["changes"]
            if line["field"].rpartition(".")[2] not in _OURS - {"status"}
        ]
        told += changes or [head]
    return told


def _shown(value: Any) -> Any:
    """A value without what every run has its own of."""
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items() if key not in _OURS}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, str):
        return _TIME.sub("(time)", _source(value) if value.startswith("https://cdn.shopify.com") else value)
    return value


def _source(url: str | None) -> str:
    return (url or "").partition("?")[0].rpartition("/")[2]


def _conflicts(world: World) -> list[dict[str, Any]]:
    names = ("record", "type", "field", "status", "decision", "by", "base", "local", "remote")
    rows = world.rows(
        "SELECT record_key, type, field_path, status, decision, decided_by, base, local, remote "
        "FROM conflict_log ORDER BY field_path, id"
    )
    told = []
    as_text = world.url.startswith("sqlite")  # Postgres' driver has read its JSON
    for row in rows:
        values = [json.loads(v) if as_text and isinstance(v, str) and at >= 6 else v for at, v in enumerate(row)]
        told.append({name: _shown(value) for name, value in zip(names, values, strict=True) if value is not None})
    return told


def _products(world: World) -> dict[str, Any]:
    found: dict[str, Any] = {}
    columns = ", ".join(("id", "handle", "deleted_at", "published_at", "tags", *_SCALARS))
    for number, handle, deleted_at, published_at, tags, *values in world.rows(
        f"SELECT {columns} FROM products ORDER BY handle, id"
    ):
        told = {name: value for name, value in zip(_SCALARS, values, strict=True) if value not in (None, "")}
        if deleted_at is not None:
            told["deleted"] = True
        told["published"] = published_at is not None
        told["tags"] = sorted(_document(tags))
        told |= _lists(world, number)
        key = handle if handle not in found else f"{handle} #{number}"
        found[key] = {name: value for name, value in told.items() if value not in (None, "", [], False)}
    return found


def _lists(world: World, number: int) -> dict[str, Any]:
    rows = world.rows
    options = rows('SELECT name, "values" FROM product_options WHERE product_id = ? ORDER BY position, id', number)
    variants = rows(
        "SELECT option_values, price, compare_at_price, sku, barcode, harmonized_system_code FROM product_variants "
        "WHERE product_id = ? ORDER BY position, id",
        number,
    )
    # Postgres keeps the keys of a document in an order of its own.
    names = [name for name, _ in options]
    told = [_variant([_document(row[0]).get(name) for name in names], *row[1:]) for row in variants]
    media = rows("SELECT url, alt FROM product_media WHERE product_id = ? ORDER BY position, id", number)
    fields = rows(
        "SELECT namespace, key, type, value FROM metafields WHERE owner_type = 'product' AND owner_id = ? "
        "ORDER BY namespace, key",
        number,
    )
    joined = rows(
        "SELECT c.handle FROM collections c JOIN product_collections p ON p.collection_id = c.id "
        "WHERE p.product_id = ? ORDER BY c.handle",
        number,
    )
    return {
        "options": [f"{name}: {', '.join(_document(values))}" for name, values in options],
        "variants": told if len(told) <= 50 else [told[0], f"… {len(told)} variants …", told[-1]],
        "media": [f"{_source(url)}{f' ({alt})' if alt else ''}" for url, alt in media],
        "metafields": [f"{namespace}.{key} = {value} ({kind})" for namespace, key, kind, value in fields],
        "collections": [row[0] for row in joined],
    }


def _variant(values: list[str | None], price: Any, compare_at: Any, sku: Any, barcode: Any, hs_code: Any) -> str:
    parts = [f"{' / '.join(value or '–' for value in values)}: {_money(price)}"]
    for name, value in (("was", _money(compare_at)), ("sku", sku), ("barcode", barcode), ("hs", hs_code)):
        if value not in (None, ""):
            parts.append(f"{name} {value}")
    return ", ".join(parts)


def _money(value: Any) -> str | None:
    return None if value is None else f"{float(value):.2f}"


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def names() -> list[str]:
    return sorted(folder.name for folder in CASES.iterdir() if (folder / "case.yaml").exists())
