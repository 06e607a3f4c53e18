"""`conflicts …`: what both sides changed and nobody has decided."""

from __future__ import annotations

import typer

from shopify_sync.cli._options import make_app, options_of
from shopify_sync.cli._output import print_json, print_table, say
from shopify_sync.errors import UsageError

app = make_app(help="What both sides changed and nobody has decided.")


@app.command(
    "list", help="Open conflicts.\n\nExit codes: 0 none, 4 some wait.", epilog="Example: shopify-sync conflicts list"
)
def list_(
    ctx: typer.Context,
    entity: str = typer.Option(None, help="Only this entity."),
    every: bool = typer.Option(False, "--all", help="Closed ones as well."),
) -> int:
    options = options_of(ctx)
    with options.open_reader() as reader:
        found = reader.conflicts(None if every else "open", entity)
    waiting = any(row["status"] == "open" for row in found)
    if options.json:
        print_json({"conflicts": found})
        return 4 if waiting else 0
    rows = [
        (row["id"], row["record_key"], row["field_path"], row["type"], row["status"], row["created_at"])
        for row in found
    ]
    print_table(("id", "record", "field", "type", "status", "since"), rows, right="id")
    if waiting:
        say("next: `shopify-sync conflicts show ID`; make both sides equal by hand, and the next sync closes it")
    else:
        say("no conflict waits")
    return 4 if waiting else 0


@app.command(help="One conflict: base, here, on Shopify.", epilog="Example: shopify-sync conflicts show 3")
def show(ctx: typer.Context, conflict: int = typer.Argument(help="The conflict's id.")) -> int:
    options = options_of(ctx)
    with options.open_reader() as reader:
        found = reader.conflict(conflict)
    if found is None:
        raise UsageError(f"there is no conflict {conflict}", next="`shopify-sync conflicts list` shows which there are")
    if options.json:
        print_json(found)
        return 0
    title = f"{found['entity']} {found['record_key']} · {found['field_path'] or 'whole record'} ({found['status']})"
    print_table(
        ("side", "value"),
        [("base", found["base"]), ("here", found["local"]), ("shopify", found["remote"])],
        title=title,
    )
    if found["closed_reason"]:
        say(f"closed: {found['closed_reason']}")
    elif found["type"] == "version":
        say("deleted on Shopify, changed here; both are left as they are")
    else:
        say("next: change one side so that both are equal; the next sync closes the conflict")
    return 0
