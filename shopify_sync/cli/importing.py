"""`import`: products from files into the database, and on to Shopify when asked."""

from __future__ import annotations

from pathlib import Path

import typer

from shopify_sync.cli._options import make_app, options_of
from shopify_sync.cli._output import err, print_json, print_runs, print_table, say

app = make_app(no_args_is_help=False)


@app.command(
    help="Read products from Shopify's product CSV (older and current column names) or from JSONL.\n\n"
    "Each product is written whole or not at all; what is wrong is told with its line.\n\n"
    "Exit codes: 0 done, 2 a file can't be read, 3 some products were left out, 7 database.",
    epilog="Example: shopify-sync import products.csv --push",
)
def import_(
    ctx: typer.Context,
    files: list[Path] = typer.Argument(help="Files to read."),
    format_: str = typer.Option(None, "--format", help="shopify-csv or jsonl; found out when not given."),
    push: bool = typer.Option(False, help="Push to Shopify afterwards."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would happen; write nothing."),
) -> int:
    from shopify_sync.clock import SystemClock
    from shopify_sync.files import FileReader

    options = options_of(ctx)
    results, runs = [], []
    with options.open_app() as opened:
        if push and not dry_run:
            opened.settings.require_shop()  # before anything is written
        for path in files:
            reader = FileReader(path, format=format_, now=SystemClock().now())
            result = opened.import_records("products", reader, dry_run=dry_run, file=str(path))
            result.notes += reader.notes
            results.append(result)
        if push and not dry_run:
            runs.append(opened.push("products"))
    code = max(result.exit_code for result in results) or (runs[0].exit_code if runs else 0)
    if options.json:
        print_json({"files": [r.as_json() for r in results], "runs": [r.as_json() for r in runs]})
        return code
    if not options.quiet:
        rows = [(r.file, r.created, r.updated, r.unchanged, len(r.problems)) for r in results]
        right = "created updated same left-out"
        print_table(("file", "created", "updated", "same", "left-out"), rows, right=right)
    for result in results:
        for problem in result.problems[:50]:
            where = f" {problem.column}" if problem.column else ""
            err(f"  {result.file}:{problem.line}: {problem.key}{where}: {problem.message}")
        if len(result.problems) > 50:
            err(f"  … and {len(result.problems) - 50} more; --json lists all")
        if not options.quiet:
            for note in result.notes:
                say(f"  note: {note}")
    if runs:
        print_runs(runs, options)
    elif not options.quiet and not dry_run and any(r.created or r.updated for r in results):
        say("next: `shopify-sync products push` takes them to Shopify")
    return code
