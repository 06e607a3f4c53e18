"""`plan` and `apply`: look before, and do exactly that."""

from __future__ import annotations

from pathlib import Path

import typer

from shopify_sync.cli._options import ACCEPT_RESTORE, ALLOW_CHANGES, ALLOW_DELETES, UNDELETE, make_app, options_of
from shopify_sync.cli._output import print_json, print_runs, say
from shopify_sync.cli._plans import print_plan, show_plan
from shopify_sync.errors import SyncError, UsageError

plan_app = make_app(no_args_is_help=False)
apply_app = make_app(no_args_is_help=False)

_CHANGES = 10


@plan_app.command(
    help="Show what `sync` would do, record by record and field by field, with its cost; what can't be sent "
    "as it is is named, with the reason. Writes nothing anywhere.\n\n"
    "Exit codes: 0 done; 5 access, 6 Shopify away, 7 database, 9 a brake would stop the sync. With "
    "--detailed-exitcode: 0 nothing to do, 10 changes.",
    epilog="Example: shopify-sync plan -o monday.plan && shopify-sync apply monday.plan",
)
def plan(
    ctx: typer.Context,
    entities: list[str] = typer.Argument(None, help="Which; all of them when none is named."),
    full: bool = typer.Option(False, help="Compare everything, not only what changed."),
    output: Path = typer.Option(None, "-o", "--output", help="Save the plan, for `apply`."),
    detailed: bool = typer.Option(False, "--detailed-exitcode", help="Exit with 10 when there are changes."),
    limit: int = typer.Option(50, min=1, help="Show this many records at most; --json has all."),
    allow_deletes: bool = ALLOW_DELETES,
    allow_changes: bool = ALLOW_CHANGES,
    undelete: bool = UNDELETE,
) -> int:
    from shopify_sync.app.planning import sync_plan

    options = options_of(ctx)
    with options.open_app(
        dry_run=True, allow_deletes=allow_deletes, allow_changes=allow_changes, undelete=undelete
    ) as opened:
        made = sync_plan(opened, entities or (), full=full)
    if output is not None and made.exit_code == 0:
        import orjson

        try:
            output.write_bytes(orjson.dumps(made.as_json(), option=orjson.OPT_INDENT_2))
        except OSError as error:
            raise UsageError(f"the plan can't be written to {output}: {error.strerror}") from None
    show_plan(made, options, limit=limit, saved=str(output) if output else "")
    if made.exit_code == 0 and detailed and made.changes:
        return _CHANGES
    return made.exit_code


@apply_app.command(
    help="Carry out a saved plan, exactly. A record that has moved since is left alone and named.\n\n"
    "Exit codes: 0 done, 3 some records failed, 4 conflicts wait, 9 something was refused since it has moved.",
    epilog="Example: shopify-sync apply monday.plan",
)
def apply(
    ctx: typer.Context,
    file: Path = typer.Argument(help="What `plan -o` wrote."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Tell what would be done and refused; write nothing."),
    allow_deletes: bool = ALLOW_DELETES,
    allow_changes: bool = ALLOW_CHANGES,
    accept_restore: bool = ACCEPT_RESTORE,
) -> int:
    from shopify_sync.app import planning

    options = options_of(ctx)
    with options.open_app(
        dry_run=dry_run, allow_deletes=allow_deletes, allow_changes=allow_changes, accept_restore=accept_restore
    ) as opened:
        applied = planning.apply(opened, planning.saved(file, opened.domain))
    if options.json:
        print_json(applied.as_json())
        return applied.exit_code
    if not dry_run:
        print_runs(applied.runs, options)
    if applied.refused:
        print_plan(applied.refused, limit=50, title="refused: no longer as the plan saw it")
    if not options.quiet:
        told = "would be" if dry_run else "were"
        say(f"{applied.done} of {applied.done + len(applied.refused)} changes of the plan {told} carried out")
        if applied.refused:
            say("next: `shopify-sync plan` shows how things stand now")
    return applied.exit_code


__all__ = ["SyncError", "apply_app", "plan_app"]
