"""`products …`: one group for each entity; the commands are the same for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from shopify_sync.cli._options import (
    ACCEPT_RESTORE,
    ALLOW_CHANGES,
    ALLOW_DELETES,
    DRY_RUN,
    UNDELETE,
    Options,
    make_app,
    moment,
    options_of,
)
from shopify_sync.cli._output import print_json, print_runs, print_table, say
from shopify_sync.errors import UsageError

if TYPE_CHECKING:
    from shopify_sync.app.planning import Plan

app = make_app(help="Products, with options, variants, media, metafields and collections.")

_CODES = (
    "\n\nExit codes: 0 done, 3 some records failed, 4 conflicts wait, 5 access, 6 Shopify away, 7 database, "
    "8 already running, 9 stopped by a brake."
)


@app.command(
    help="Bring changes from Shopify into the database." + _CODES, epilog="Example: shopify-sync products pull"
)
def pull(
    ctx: typer.Context,
    full: bool = typer.Option(False, help="Read everything again, not only what changed."),
    since: str = typer.Option(None, help="Only what changed since then (ISO 8601)."),
    method: str = typer.Option("auto", help="auto, paged or bulk."),
    limit: int = typer.Option(None, min=1, help="Look at this many at most."),
    dry_run: bool = DRY_RUN,
    allow_deletes: bool = ALLOW_DELETES,
    accept_restore: bool = ACCEPT_RESTORE,
    undelete: bool = UNDELETE,
) -> int:
    options = options_of(ctx)
    chosen: dict[str, Any] = {"full": full, "since": moment(since), "method": method, "limit": limit}
    with options.open_app(
        dry_run=dry_run, allow_deletes=allow_deletes, accept_restore=accept_restore, undelete=undelete
    ) as opened:
        if dry_run:
            from shopify_sync.app.planning import pull_plan

            return _planned(pull_plan(opened, "products", **chosen), options)
        result = opened.pull("products", **chosen)
    print_runs([result], options, alone=True)
    return result.exit_code


@app.command(
    help="Bring changes made here to Shopify." + _CODES, epilog="Example: shopify-sync products push --dry-run"
)
def push(
    ctx: typer.Context,
    method: str = typer.Option("auto", help="auto, single or bulk."),
    limit: int = typer.Option(None, min=1, help="Send this many at most."),
    dry_run: bool = DRY_RUN,
    allow_deletes: bool = ALLOW_DELETES,
    allow_changes: bool = ALLOW_CHANGES,
    accept_restore: bool = ACCEPT_RESTORE,
) -> int:
    options = options_of(ctx)
    with options.open_app(
        dry_run=dry_run, allow_deletes=allow_deletes, allow_changes=allow_changes, accept_restore=accept_restore
    ) as opened:
        if dry_run:
            from shopify_sync.app.planning import push_plan

            return _planned(push_plan(opened, "products", method=method, limit=limit), options)
        result = opened.push("products", method=method, limit=limit)
    print_runs([result], options, alone=True)
    return result.exit_code


@app.command(help="Pull, then push." + _CODES, epilog="Example: shopify-sync products sync")
def sync(
    ctx: typer.Context,
    full: bool = typer.Option(False, help="Read everything again, not only what changed."),
    dry_run: bool = DRY_RUN,
    allow_deletes: bool = ALLOW_DELETES,
    allow_changes: bool = ALLOW_CHANGES,
    accept_restore: bool = ACCEPT_RESTORE,
    undelete: bool = UNDELETE,
) -> int:
    from shopify_sync.cli.sync import sync as sync_all

    return sync_all(ctx, ["products"], full, dry_run, allow_deletes, allow_changes, accept_restore, undelete)


def _planned(plan: Plan, options: Options) -> int:
    from shopify_sync.cli._plans import show_plan

    show_plan(plan, options)
    return plan.exit_code


@app.command(
    "list", help="The newest products in the database.", epilog="Example: shopify-sync products list --search tee"
)
def list_(
    ctx: typer.Context,
    search: str = typer.Option(None, help="Part of title or handle."),
    changed: bool = typer.Option(False, "--changed", help="Only those with a change that waits for a push."),
    limit: int = typer.Option(20, min=1),
) -> int:
    options = options_of(ctx)
    with options.open_reader() as reader:
        found = reader.products(limit=limit, search=search, dirty=changed)
    if options.json:
        print_json({"products": found})
        return 0
    columns = ("id", "handle", "title", "status", "variants", "changed", "updated")
    names = ("id", "handle", "title", "status", "variants", "dirty", "updated_at")
    print_table(columns, [[row[name] for name in names] for row in found], right="id variants")
    if not found:
        say("next: `shopify-sync products pull` fills the database")
    return 0


@app.command(help="One product with everything below it.", epilog="Example: shopify-sync products show blue-tee")
def show(ctx: typer.Context, product: str = typer.Argument(help="Handle, local id or Shopify id.")) -> int:
    options = options_of(ctx)
    with options.open_reader() as reader:
        found = reader.product(product)
    if found is None:
        raise UsageError(
            f"there is no product {product!r} here", next="`shopify-sync products list` shows what there is"
        )
    if options.json:
        print_json(found)
        return 0
    _print_product(found)
    return 0


_HEAD = (
    "id", "shopify_id", "handle", "status", "vendor", "product_type", "tags", "category_id", "seo_title",
    "published_at", "created_at", "updated_at", "dirty",
)  # fmt: skip


def _print_product(product: dict[str, Any]) -> None:
    print_table(("field", "value"), [(name, _bare(product[name])) for name in _HEAD], title=str(product["title"]))
    variants = product["variants"]
    if variants:
        rows = [
            (
                " / ".join(variant["option_values"].values()) or variant["title"],
                variant["sku"],
                variant["price"],
                variant["compare_at_price"],
                variant["barcode"],
            )
            for variant in variants
        ]
        print_table(("variant", "sku", "price", "compare at", "barcode"), rows, right="price")
    if product["media"]:
        print_table(("media", "alt", "url"), [(m["media_type"], m["alt"], m["url"]) for m in product["media"]])
    if product["metafields"]:
        named = [(f"{m['namespace']}.{m['key']}", m["type"], m["value"]) for m in product["metafields"]]
        print_table(("metafield", "type", "value"), named)
    if product["collections"]:
        print_table(("collection", "handle"), [(c["title"], c["handle"]) for c in product["collections"]])


def _bare(value: Any) -> str | None:
    """Ids and flags as they are: no separators in what one may want to copy."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value is None else str(value)
