"""Tags: normalisation, `tagsAdd` and `tagsRemove`. Recorded: tags-normalization-parity, tags-add-multi-resource."""

from __future__ import annotations

from collections.abc import Iterable

from shopify_sync.sandbox.registry import Context, TopLevelError, mutation
from shopify_sync.sandbox.resources.checks import TEXT_LIMIT, error
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.scopes import owner_refusal
from shopify_sync.sandbox.state import Record, Shop, parse_gid

_TAGGED = {"Product", "Order", "Customer", "DraftOrder", "Article"}


class _Tagged:
    """A record other than a product while its tags change; it offers what the mutations need of a `Draft`."""

    def __init__(self, shop: Shop, kind: str, record: Record) -> None:
        self.shop, self.kind, self.original = shop, kind, record
        self.product: Record = {**record, "tags": list(record["tags"])}

    def commit(self) -> Record:
        """Write the record, if its tags have changed, with its `updatedAt`."""
        if self.product["tags"] == self.original["tags"]:
            return self.original
        self.product["updatedAt"] = self.shop.now_iso()
        return self.shop.put(self.kind, self.product)


def split(tags: Iterable[str]) -> list[str]:
    """Single tags: commas inside one string part tags, blanks around and between them go."""
    return [tag for text in tags for part in text.split(",") if (tag := part.strip())]


def normalised(tags: Iterable[str]) -> list[str]:
    """Tags as Shopify keeps them: equal ones folded, the first spelling stays, sorted ignoring case."""
    kept: dict[str, str] = {}
    for tag in split(tags):
        kept.setdefault(tag.casefold(), tag)
    return sorted(kept.values(), key=lambda tag: (tag.casefold(), tag))


def refusal(tags: Iterable[str], field: list[str], code: str | None = None) -> Record | None:
    """The error for a tag over 255 characters; source: Admin API reference D.4, product-update-tag-normalization."""
    if any(len(tag) > TEXT_LIMIT for tag in split(tags)):
        return error(field, "Product tags is invalid", code)
    return None


@mutation("tagsAdd")
def tags_add(ctx: Context, args: Record) -> Record:
    """Add tags; one that is there already, in any case, keeps its spelling."""
    draft, errors = _tagged(ctx, "tagsAdd", args)
    if draft is None:
        return {"node": None, "userErrors": errors}
    wrong = refusal(args["tags"], ["tags"])
    if wrong:
        return {"node": draft.original, "userErrors": [wrong]}
    draft.product["tags"] = normalised([*draft.product["tags"], *args["tags"]])
    return {"node": draft.commit(), "userErrors": []}


@mutation("tagsRemove")
def tags_remove(ctx: Context, args: Record) -> Record:
    """Remove tags, whatever their case; unknown ones are passed over."""
    draft, errors = _tagged(ctx, "tagsRemove", args)
    if draft is None:
        return {"node": None, "userErrors": errors}
    gone = {tag.casefold() for tag in split(args["tags"])}
    draft.product["tags"] = [tag for tag in draft.product["tags"] if tag.casefold() not in gone]
    return {"node": draft.commit(), "userErrors": []}


def _tagged(ctx: Context, name: str, args: Record) -> tuple[Draft | _Tagged | None, list[Record]]:
    """The record to tag. Raises `TopLevelError` for an id of a type that has no tags."""
    try:
        kind, number = parse_gid(args["id"])
    except ValueError:
        raise TopLevelError("invalid id", "RESOURCE_NOT_FOUND") from None
    if kind not in _TAGGED:
        raise TopLevelError("invalid id", "RESOURCE_NOT_FOUND")
    refused = None if ctx.shop.merchant_acts else owner_refusal(ctx.scopes, kind, name)
    if refused is not None:
        raise TopLevelError(refused, "ACCESS_DENIED")
    record = ctx.shop.table(kind).get(number) if kind in ("Product", "Order") else None
    if record is None:
        return None, [error(["id"], f"{kind} does not exist")]
    return Draft(ctx.shop, record) if kind == "Product" else _Tagged(ctx.shop, kind, record), []
