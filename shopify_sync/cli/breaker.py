"""`breaker …`: look at the circuit breaker, or move it by hand."""

from __future__ import annotations

import typer

from shopify_sync.cli._options import make_app, options_of
from shopify_sync.cli._output import print_json, print_table, say

app = make_app(help="The circuit breaker: calls stop while Shopify does not answer.")


@app.command(help="The breaker of each shop.", epilog="Example: shopify-sync breaker status --json")
def status(ctx: typer.Context) -> int:
    options = options_of(ctx)
    with options.open_reader() as reader:
        found = reader.breaker()
    if options.json:
        print_json({"breakers": found})
        return 0
    if not found:
        say("closed: Shopify has never failed to answer")
        return 0
    columns = ("shop", "state", "failures", "opened", "reason")
    rows = [(row["name"], row["state"], row["failures"], row["opened_at"], row["reason"]) for row in found]
    print_table(columns, rows, right="failures")
    return 0


@app.command(help="Close it now; the next command calls Shopify.", epilog="Example: shopify-sync breaker reset")
def reset(ctx: typer.Context) -> int:
    options = options_of(ctx)
    with options.open_app() as opened:
        opened.breaker_reset()
    print_json({"state": "closed"}) if options.json else say("closed")
    return 0


@app.command(help="Open it now, for instance before maintenance.", epilog="Example: shopify-sync breaker trip")
def trip(
    ctx: typer.Context,
    reason: str = typer.Option("tripped by hand", help="What `breaker status` will say."),
) -> int:
    options = options_of(ctx)
    with options.open_app() as opened:
        opened.breaker_trip(reason)
    print_json({"state": "open", "reason": reason}) if options.json else say("open; `breaker reset` closes it")
    return 0
