"""`undo`: put back what a run changed."""

from __future__ import annotations

import sys

import typer

from shopify_sync.cli._options import ACCEPT_RESTORE, make_app, options_of
from shopify_sync.cli._output import print_json, print_runs, say
from shopify_sync.errors import UsageError

app = make_app(no_args_is_help=False)


@app.command(
    help="Put back what a run changed, on both sides. Shows what that is and asks first.\n\n"
    "A run of a `sync` is undone with the others of that sync, or with --alone by itself. What was edited since "
    "stays. Undoing is a run, and can be undone.\n\n"
    "Exit codes: 0 done, 2 there is no such run or nobody said yes, 3 some records failed, 6 Shopify away, "
    "8 already running.",
    epilog="Example: shopify-sync undo 12",
)
def undo(
    ctx: typer.Context,
    run: int = typer.Argument(help="A run's number, as `history` shows it."),
    alone: bool = typer.Option(False, "--alone", help="This run only, not the others of the same sync."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do it without asking."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would be put back; write nothing."),
    accept_restore: bool = ACCEPT_RESTORE,
) -> int:
    from shopify_sync.app import undoing, worst
    from shopify_sync.cli._plans import show_plan

    options = options_of(ctx)
    if dry_run or not yes:
        with options.open_app(dry_run=True) as opened:
            plan = undoing.plan(opened, undoing.undoable(opened, run, alone=alone))
        if dry_run or plan.exit_code:
            show_plan(plan, options, following=f"`shopify-sync undo {run}` does it", nothing="nothing to put back")
            return plan.exit_code
        if not plan.changes:
            if options.json:
                print_json({"status": "succeeded", "runs": []})
            else:
                say(f"nothing to put back: run {run} changed nothing, or it was changed again since")
            return 0
        if options.json or not sys.stdin.isatty():
            raise UsageError(
                f"undoing run {run} would change {len(plan.changes)} records, and nobody can be asked",
                next=f"look with `shopify-sync undo {run} --dry-run`, then add --yes",
            )
        show_plan(plan, options, following="say yes, and it is done")
        if not typer.confirm(f"Put back these {len(plan.changes)} records?"):
            say("nothing was changed")
            return 2
    with options.open_app(accept_restore=accept_restore) as opened:
        results = undoing.undo(opened, undoing.undoable(opened, run, alone=alone))
    print_runs(results, options)
    return worst(results)
