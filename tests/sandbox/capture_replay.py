"""Replays recorded mutations against a simulated shop and says where the answers differ.

Recorded ids stand for sandbox ids: what a recording shows of products and files before its mutation (upstream reads,
seeds) is put into the shop first, what its own steps create is matched position by position in the answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.resources.handles import slug
from shopify_sync.sandbox.resources.media_model import attach, new_medium
from shopify_sync.sandbox.resources.metafield_values import digest
from shopify_sync.sandbox.resources.option_model import new_option, select
from shopify_sync.sandbox.resources.product_model import ensure_variant, new_product
from shopify_sync.sandbox.resources.variant_model import SET_CODES, add_variant, write_variant
from shopify_sync.sandbox.state import Shop, iso
from shopify_sync.sandbox.validate import parse, validate
from tests.sandbox.capture_steps import Json, NotKept, Step, steps
from tests.sandbox.shopfront import Shopfront

_GID = re.compile(r"gid://shopify/[A-Za-z0-9]+/[0-9a-f-]+")
_TAXONOMY = re.compile(r"\.category\.(name|fullName|isLeaf)$")  # the sandbox knows no names of categories
_VOLATILE = {
    "createdAt", "updatedAt", "publishedAt", "publishDate", "url", "compareDigest", "cursor", "startCursor",
    "endCursor", "onlineStorePreviewUrl", "width", "height",
}  # fmt: skip
_PLAIN = {"id", "title", "handle", "status", "vendor", "productType", "tags", "alt", "fileStatus", "templateSuffix"}
_APP = "347082227713"  # the app that recorded
_BEFORE = ("seed", "precondition", "preMutation", "initial")
_KINDS = {"MediaImage": "IMAGE", "Video": "VIDEO", "ExternalVideo": "EXTERNAL_VIDEO", "Model3d": "MODEL_3D"}


class Replay:
    """One recording being replayed against one shop."""

    def __init__(self, recording: Json, store: str) -> None:
        self.recording = recording
        self.clock = ManualClock()
        self.shop = Shop(clock=self.clock, name=store)
        self.front = Shopfront(self.shop)
        self.ids: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.lacking: set[str] = set()
        self.created = {  # media that the recording's own steps make
            row["id"] for step in steps(recording) for row in (_payload(step, "productCreateMedia").get("media") or [])
        }

    def play(self, step: Step) -> str | None:
        """What differs between the recorded answer and the sandbox's, None when nothing does."""
        try:
            document, variables, lacking = step.request()
        except NotKept as missing:
            return str(missing)
        self.lacking.update(lacking)
        parsed, errors = parse(document)
        errors = errors or (validate(parsed) if parsed is not None else [])
        if errors and not step.answer.get("errors"):
            return f"not valid in the served schema: {errors[0]['message']}"
        for gid in dict.fromkeys(_GID.findall(json.dumps(variables))):
            self.seed(gid)
        self.clock.advance(1)
        body = self.front.run(document, self.translated(variables))
        return self.compare(step.answer, body, "", prune=step.document is None)

    # -- ids

    def translated(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: self.digests.get(inner, inner) if key == "compareDigest" else self.translated(inner)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self.translated(inner) for inner in value]
        if isinstance(value, str):
            value = value.replace(f"app--{_APP}", "app--sandbox")
            return _GID.sub(lambda match: self.ids.get(match[0], match[0]), value)
        return value

    # -- state that was there before

    def seed(self, gid: str) -> None:
        """Put what the recording shows of an object into the shop, unless it is there or was never seen."""
        if gid in self.ids:
            return
        kind = gid.split("/")[3]
        seen = self._seen(gid)
        if kind == "Product" and seen:
            self._seed_product(gid, seen)
        elif kind in _KINDS and seen:
            self._seed_medium(gid, seen, None)
        elif kind == "ProductVariant":
            return
        elif kind == "Collection" and seen:
            number = self.shop.next_id("Collection")
            record = {"id": number, "handle": f"seeded-{number}", "title": "Seeded", "descriptionHtml": ""}
            record |= {"updatedAt": self.shop.now_iso(), "productIds": [], "ruleSet": None, "sortOrder": "MANUAL"}
            self.shop.put("Collection", record)
            self.ids[gid] = self.shop.gid("Collection", number)

    def _seen(self, gid: str) -> Json:
        """What the recording says of an object as it was before: upstream reads, seeds, else its plain fields."""
        seeds = [inner for key, inner in self.recording.items() if key.startswith(_BEFORE)]
        for place in (self.recording.get("upstreamCalls"), seeds):
            found = [one for one in _objects(place, gid) if len(one) > 1]
            if found:
                return {key: value for one in reversed(found) for key, value in one.items()}
        found = [one for one in _objects(self.recording, gid) if len(one) > 1]
        plain = {key: value for one in reversed(found) for key, value in one.items()}
        return {key: value for key, value in plain.items() if key in _PLAIN}

    def _seed_product(self, gid: str, seen: Json) -> None:
        draft = new_product(self.shop)
        product = draft.product
        for key in ("title", "status", "vendor", "productType", "tags", "descriptionHtml", "templateSuffix", "seo"):
            if seen.get(key) is not None:
                product[key] = seen[key]
        product["handle"] = seen.get("handle") or slug(product["title"])
        if self.shop.by_handle("Product", product["handle"]):
            product["handle"] += "-seeded"
        self.ids[gid] = draft.gid
        self._seed_options(draft, seen)
        for variant in _nodes(seen.get("variants")):
            self._seed_variant(draft, variant)
        ensure_variant(draft)
        for medium in _nodes(seen.get("media")):
            if medium["id"] not in self.created:
                self._seed_medium(medium["id"], medium, draft)
        draft.commit()
        for row in _metafields(seen):
            self._seed_metafield(gid, row)

    def _seed_options(self, draft: Draft, seen: Json) -> None:
        if not seen.get("options"):
            return
        draft.product["options"] = []
        for place, option in enumerate(seen["options"], 1):
            values = option.get("optionValues") or [{"name": name} for name in option.get("values") or []]
            made = new_option(self.shop, option["name"], [value["name"] for value in values])
            made["position"] = place
            draft.product["options"].append(made)
            if "id" in option:
                self.ids[option["id"]] = self.shop.gid("ProductOption", made["id"])
            for value, own in zip(values, made["optionValues"], strict=True):
                if "id" in value:
                    self.ids[value["id"]] = self.shop.gid("ProductOptionValue", own["id"])

    def _seed_variant(self, draft: Draft, seen: Json) -> None:
        rows = seen.get("selectedOptions") or [{"name": "Title", "value": seen.get("title") or "Default Title"}]
        options = draft.product["options"]
        if {row["name"] for row in rows} != {option["name"] for option in options}:
            draft.product["options"] = options = [new_option(self.shop, row["name"], []) for row in rows]
        picked = []
        for row, option in zip(rows, options, strict=True):
            value = next((one for one in option["optionValues"] if one["name"] == row["value"]), None)
            if value is None:
                value = new_option(self.shop, "", [row["value"]])["optionValues"][0]
                option["optionValues"].append(value)
            picked.append((option["name"], value["name"], value["id"]))
        variant = add_variant(draft)
        select(variant, picked)
        item = seen.get("inventoryItem") or {}
        given = {key: seen[key] for key in seen if key not in ("id", "title", "selectedOptions", "metafields")}
        write_variant(draft, variant, {**given, "inventoryItem": item}, [], SET_CODES)
        self.ids[seen["id"]] = self.shop.gid("ProductVariant", variant["id"])
        if "id" in item:
            self.ids[item["id"]] = self.shop.gid("InventoryItem", variant["inventoryItemId"])

    def _seed_medium(self, gid: str, seen: Json, draft: Draft | None) -> None:
        if gid in self.ids:
            return
        kind = gid.split("/")[3]
        url = ((seen.get("image") or {}).get("url") or "https://example.com/seeded.jpg").partition("?")[0]
        record = new_medium(self.shop, url, _KINDS[kind], seen.get("alt"))
        sightings = [one.get("fileStatus") or one.get("status") for one in _objects(self.recording, gid)]
        ready = "READY" in sightings or not any(sightings)
        record["readyAt"] = iso(self.shop.now() + timedelta(days=-1 if ready else 1))
        record["status"] = "READY" if ready else "PROCESSING"
        self.ids[gid] = self.shop.gid(kind, record["id"])
        if draft is None:
            self.shop.put("Media", record)
        else:
            attach(draft, record)

    def _seed_metafield(self, owner: str, seen: Json) -> None:
        now = self.shop.now_iso()
        record = {key: seen[key] for key in ("namespace", "key", "type", "value")}
        record |= {"id": self.shop.next_id("Metafield"), "ownerType": "PRODUCT", "ownerGid": self.ids[owner]}
        self.shop.put("Metafield", {**record, "createdAt": now, "updatedAt": now})
        if "id" in seen:
            self.ids[seen["id"]] = self.shop.gid("Metafield", record["id"])
        if seen.get("compareDigest"):
            self.digests[seen["compareDigest"]] = digest(record)

    # -- comparison

    def compare(self, recorded: Any, replayed: Any, at: str, *, prune: bool) -> str | None:
        """The first difference between an answer and its replay; times, URLs and digests only have to be there."""
        if not at:
            recorded = {key: recorded[key] for key in ("data", "errors") if recorded.get(key)}
            replayed = {key: replayed[key] for key in ("data", "errors") if replayed.get(key)}
        if isinstance(recorded, dict) and isinstance(replayed, dict):
            return self._compare_objects(recorded, replayed, at, prune)
        if isinstance(recorded, list) and isinstance(replayed, list):
            if len(recorded) != len(replayed):
                return f"{at}: {len(recorded)} entries recorded, {len(replayed)} replayed: {str(replayed)[:300]}"
            for place, (theirs, ours) in enumerate(zip(recorded, replayed, strict=True)):
                wrong = self.compare(theirs, ours, f"{at}.{place}", prune=prune)
                if wrong:
                    return wrong
            return None
        return self._compare_leaves(recorded, replayed, at)

    def _compare_objects(self, recorded: Json, replayed: Json, at: str, prune: bool) -> str | None:
        if at == ".errors.0":
            recorded, replayed = _error(recorded), _error(replayed)
        for key in dict.fromkeys([*recorded, *replayed]):
            if key not in replayed:
                if prune and key not in ("data", "errors"):
                    continue
                return f"{at}.{key} is missing: {str(replayed)[:300]}"
            if key not in recorded:
                if prune and key in ("code", "field", "__typename"):
                    continue
                return f"{at}.{key} is too much: {str(replayed[key])[:300]}"
            wrong = self.compare(recorded[key], replayed[key], f"{at}.{key}", prune=prune)
            if wrong:
                return wrong
        return None

    def _compare_leaves(self, recorded: Any, replayed: Any, at: str) -> str | None:
        key = at.rpartition(".")[2]
        if (recorded is None) != (replayed is None):
            return f"{at}: {recorded!r} recorded, {str(replayed)[:300]} replayed"
        if key == "compareDigest" and isinstance(recorded, str):
            self.digests[recorded] = replayed
        if (
            key in _VOLATILE
            or ".shop." in at
            or _TAXONOMY.search(at)
            or (isinstance(recorded, float) and recorded == replayed)
        ):
            return None
        if isinstance(recorded, str) and isinstance(replayed, str):
            if _GID.fullmatch(recorded) and recorded not in self.ids and _kind(recorded) == _kind(replayed):
                self.ids[recorded] = replayed
            recorded = self.translated(recorded)
        return (
            None
            if recorded == replayed
            else f"{at}: {str(recorded)[:200]!r} recorded, {str(replayed)[:200]!r} replayed"
        )


def _payload(step: Step, root: str) -> Json:
    return (step.answer.get("data") or {}).get(root) or {}


def _kind(gid: str) -> str:
    return gid.split("/")[3] if _GID.fullmatch(gid) else ""


def _error(entry: Json) -> Json:
    """What of a top-level error is compared: message, code, path."""
    return {
        "message": entry.get("message"),
        "code": (entry.get("extensions") or {}).get("code"),
        "path": [str(part) for part in entry.get("path") or []],
    }


def _objects(value: Any, gid: str) -> Iterator[Json]:
    if isinstance(value, dict):
        if value.get("id") == gid:
            yield value
        for key, inner in value.items():
            if key not in ("variables", "request"):  # what was asked for need not exist
                yield from _objects(inner, gid)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner, gid)


def _nodes(connection: Any) -> list[Json]:
    if not isinstance(connection, dict):
        return []
    rows = connection.get("nodes") or [edge["node"] for edge in connection.get("edges") or []]
    return [row for row in rows if isinstance(row, dict) and "id" in row]


def _metafields(seen: Json) -> list[Json]:
    rows = [value for value in seen.values() if isinstance(value, dict)]
    rows += [row for value in list(rows) for row in _nodes(value)]
    unique = {(row["namespace"], row["key"]): row for row in rows if {"namespace", "key", "type", "value"} <= set(row)}
    return list(unique.values())
