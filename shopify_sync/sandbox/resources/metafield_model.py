"""Metafields of one owner: from an input to rows that are ready to be written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shopify_sync.sandbox.registry import Context
from shopify_sync.sandbox.resources.checks import Path, error
from shopify_sync.sandbox.resources.draft import copied
from shopify_sync.sandbox.resources.metafield_values import Refused, normalised, type_problem
from shopify_sync.sandbox.state import Record, parse_gid

_RESERVED = (
    "shopify_standard",
    "protected",
    "shopify-l10n-fields",
)  # recorded: metafields-set-input-validation
_NAMESPACE = (3, 255)
_KEY = (2, 64)
NOT_ALLOWED = "Access to this namespace and key on Metafields for this resource type is not allowed."
OWNER_TYPES = {
    "Product": "PRODUCT",
    "ProductVariant": "PRODUCTVARIANT",
    "Collection": "COLLECTION",
    "Order": "ORDER",
}


def namespace_of(ctx: Context, given: str | None) -> str:
    """The namespace meant: none and `$app` are the app's own (metafields-set-delete-app-namespace-resolution)."""
    own = f"app--{ctx.app}"
    if given is None or given == "$app":
        return own
    return f"{own}--{given.removeprefix('$app:')}" if given.startswith("$app:") else given


def foreign(ctx: Context, namespace: str) -> bool:
    """Whether a namespace belongs to another app."""
    own = f"app--{ctx.app}"
    return namespace.startswith("app--") and namespace != own and not namespace.startswith(f"{own}--")


def owner_type(ctx: Context, gid: str) -> str | None:
    """The metafield owner type of an existing owner, None when the sandbox has no such owner."""
    try:
        kind, number = parse_gid(gid)
    except ValueError:
        return None
    if kind == "Shop":
        return "SHOP" if number == ctx.shop.shop_id else None
    return OWNER_TYPES.get(kind) if ctx.shop.find(gid) is not None else None


def problems(ctx: Context, given: dict[str, Any], namespace: str, path: Path) -> list[Record]:
    """What is wrong with namespace, key and type of an input; codes of `MetafieldsSetUserErrorCode`."""
    key = given.get("key") or ""
    if foreign(ctx, namespace):
        return [error(path, NOT_ALLOWED, "APP_NOT_AUTHORIZED")]
    errors = [
        *_length("Namespace", namespace, _NAMESPACE, [*path, "namespace"]),
        *_length("Key", key, _KEY, [*path, "key"]),
    ]
    if namespace in _RESERVED:
        errors.append(error([*path, "namespace"], f"Namespace {namespace} is a reserved namespace"))
    if not errors:
        wrong = type_problem(given["type"]) if given.get("type") else None
        if not given.get("type"):
            errors.append(error([*path, "type"], "Type can't be blank", "BLANK"))
        elif wrong:
            errors.append(error([*path, "type"], wrong, "INCLUSION"))
    return errors


def _length(label: str, text: str, bounds: tuple[int, int], path: Path) -> list[Record]:
    low, high = bounds
    if len(text) < low:
        return [error(path, f"{label} is too short (minimum is {low} characters)", "TOO_SHORT")]
    if len(text) > high:
        return [error(path, f"{label} is too long (maximum is {high} characters)", "TOO_LONG")]
    return []


@dataclass
class Rows:
    """The metafields of one owner while a mutation changes them; `changed` and `dropped` are to be written."""

    ctx: Context
    owner_gid: str
    owner_type: str
    changed: dict[int, Record] = field(default_factory=dict)
    dropped: list[tuple[str, int]] = field(default_factory=list)
    _rows: dict[tuple[str, str], Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.ctx.shop.metafields_of(self.owner_gid):
            self._rows[row["namespace"], row["key"]] = copied(row)

    def get(self, namespace: str, key: str) -> Record | None:
        return self._rows.get((namespace, key))

    def write(self, namespace: str, key: str, type_name: str, value: str) -> Record:
        """Make or change one row; an equal value leaves it as it is. Raises `Refused`."""
        kept = normalised(self.ctx.shop, type_name, value)
        row, now = self.get(namespace, key), self.ctx.shop.now_iso()
        if row is not None and row["value"] == kept and row["type"] == type_name:
            return row
        if row is None:
            row = {
                "id": self.ctx.shop.next_id("Metafield"),
                "ownerType": self.owner_type,
                "ownerGid": self.owner_gid,
                "namespace": namespace,
                "key": key,
                "createdAt": now,
            }
            self._rows[namespace, key] = row
        row.update({"type": type_name, "value": kept, "updatedAt": now})
        self.changed[row["id"]] = row
        return row

    def write_inputs(self, inputs: list[dict[str, Any]], path: Path, code: str | None, *, whole: bool) -> list[Record]:
        """Write `MetafieldInput`s of a product or variant; returns errors with the caller's `code`.

        `whole`: the list is the complete truth, rows that it does not name are dropped (productSet, Admin schema).
        Rows of other apps stay, as this app may not touch them.
        """
        errors: list[Record] = []
        named: set[tuple[str, str]] = set()
        for place, given in enumerate(inputs):
            here = [*path, str(place)]
            row = self._by_id(given.get("id"))
            if given.get("id") is not None and row is None:
                errors.append(error([*here, "id"], "Metafield does not exist", code))
                continue
            full = {**{key: row[key] for key in ("namespace", "key", "type", "value")}, **given} if row else given
            namespace = namespace_of(self.ctx, full.get("namespace"))
            if not full.get("type") and (known := self.get(namespace, full.get("key") or "")) is not None:
                full = {**full, "type": known["type"]}
            wrong = problems(self.ctx, full, namespace, here)
            if wrong:
                errors += [{**one, "code": code} for one in wrong]
                continue
            named.add((namespace, full["key"]))
            try:
                self.write(namespace, full["key"], full["type"], full.get("value") or "")
            except Refused as refused:
                errors.append(error([*here, "value"], str(refused), code))
        if whole:
            absent = [row for name, row in self._rows.items() if name not in named]
            self.dropped = [("Metafield", row["id"]) for row in absent if not foreign(self.ctx, row["namespace"])]
        return errors

    def _by_id(self, gid: str | None) -> Record | None:
        return next((row for row in self._rows.values() if gid == f"gid://shopify/Metafield/{row['id']}"), None)
