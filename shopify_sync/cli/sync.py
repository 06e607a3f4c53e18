"""`sync` and `retry`."""

from __future__ import annotations

import typer

from shopify_sync.cli._options import (
    ACCEPT_RESTORE,
    ALLOW_CHANGES,
    ALLOW_DELETES,
    DRY_RUN,
    UNDELETE,
    make_app,
    options_of,
)
from shopify_sync.cli._output import print_json, print_runs, say

sync_app = make_app(no_args_is_help=False)
retry_app = make_app(no_args_is_help=False)


@sync_app.command(
    help="Pull, then push; all entities in dependency order by default.\n\n"
    "Exit codes: 0 done, 3 some records failed, 4 conflicts wait, 5 access, 6 Shopify away, 7 database, "
    "8 already running, 9 stopped by a brake.",
    epilog="Example for cron: shopify-sync --json -q sync",
)
def sync(
    ctx: typer.Context,
    entities: list[str] = typer.Argument(None, help="Which; all of them when none is named."),
    full: bool = typer.Option(False, help="Read everything again, not only what changed."),
    dry_run: bool = DRY_RUN,
    allow_deletes: bool = ALLOW_DELETES,
    allow_changes: bool = ALLOW_CHANGES,
    accept_restore: bool = ACCEPT_RESTORE,
    undelete: bool = UNDELETE,
) -> int:
    from shopify_sync.app import worst

    options = options_of(ctx)
    with options.open_app(
        dry_run=dry_run,
        allow_deletes=allow_deletes,
        allow_changes=allow_changes,
        accept_restore=accept_restore,
        undelete=undelete,
    ) as opened:
        if dry_run:
            from shopify_sync.app.planning import sync_plan
            from shopify_sync.cli._plans import show_plan

            made = sync_plan(opened, entities or (), full=full)
            show_plan(made, options)
            return made.exit_code
        results = opened.sync(entities or (), full=full)
    print_runs(results, options)
    return worst(results)


@retry_app.command(
    help="Send again what Shopify refused, although nothing changed here.\n\n"
    "Exit codes: 0 done or nothing to do, 3 refused again, 6 Shopify away.",
    epilog="Example: shopify-sync retry 12",
)
def retry(
    ctx: typer.Context,
    run: int = typer.Argument(None, help="Only what this run could not send."),
    dry_run: bool = DRY_RUN,
) -> int:
    from shopify_sync.app import worst

    options = options_of(ctx)
    with options.open_app(dry_run=dry_run) as opened:
        if dry_run:
            from shopify_sync.app.planning import retry_plan
            from shopify_sync.cli._plans import show_plan

            made = retry_plan(opened, run)
            show_plan(made, options)
            return made.exit_code
        results = opened.retry(run)
    if not results:
        print_json({"status": "succeeded", "runs": []}) if options.json else say("nothing waits to be tried again")
        return 0
    print_runs(results, options)
    return worst(results)
