"""`status` and `history`: what happened and what waits, read straight from the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer

from shopify_sync.cli._options import Options, duration, make_app, moment, options_of
from shopify_sync.cli._output import print_json, print_table, say
from shopify_sync.errors import UsageError

status_app = make_app(no_args_is_help=False)
history_app = make_app(no_args_is_help=False, help="Runs: list them, show one with its errors, forget old ones.")


@status_app.command(
    help="Last run of each entity, what waits, breaker. Touches no network.\n\nExit codes: 0 done, 7 database.",
    epilog="Example: shopify-sync status --watch",
)
def status(
    ctx: typer.Context,
    watch: bool = typer.Option(False, help="Show it again every two seconds, until Ctrl-C."),
) -> int:
    options = options_of(ctx)
    if not watch:
        _show(options)
        return 0
    from shopify_sync.clock import SystemClock

    clock = SystemClock()
    while True:
        typer.echo("\x1b[2J\x1b[H", nl=False)
        _show(options)
        clock.sleep(2.0)


def _show(options: Options) -> None:
    with options.open_reader() as reader:
        found = reader.status()
    if options.json:
        print_json(found)
        return
    for shop in found["shops"]:
        title = f"{shop['name'] or shop['domain']} ({shop['domain']})"
        rows = []
        for name, entity in shop["entities"].items():
            rows += [
                (
                    f"{name} {direction}",
                    run["status"],
                    run["finished_at"] or run["started_at"],
                    run["counts"]["created"] + run["counts"]["updated"],
                    run["counts"]["failed"],
                    run["counts"]["conflicts"],
                    _ago(entity.get("lag_s")) if direction == "pull" else None,
                )
                for direction in ("pull", "push", "verify", "undo")
                if (run := entity.get(direction)) and (direction != "undo" or run["status"] != "succeeded")
            ]
        columns = ("run", "status", "at", "changed", "failed", "conflicts", "as of")
        print_table(columns, rows, title=title, right="changed failed conflicts")
        _say_waiting(shop)
        if following := _next(shop):
            say(f"next: {following}")
    if not found["shops"]:
        say("no shop has been synced into this database yet")
        say("next: `shopify-sync sync`, or `shopify-sync demo` to try it without a store")


def _say_waiting(shop: dict[str, Any]) -> None:
    """What is not in step, by name where it is few; never silent about anything that waits."""
    waiting, breaker = shop["waiting"], shop["breaker"]
    say(f"{shop['records']['products']:,} products here · breaker {breaker['state']}")
    for run in _stopped(shop):
        error = run["error"]
        why = error["what"] if error else "interrupted; the next run goes on where it stopped"
        say(f"stopped: {run['entity']} {run['direction']} {run['started_at']}: {why}")
    good = [
        f"{name} {entity['last_good_at']} ({_ago(entity['last_good_s'])})"
        for name, entity in shop["entities"].items()
        if "last_good_at" in entity
    ]
    say(f"last good sync: {', '.join(good) or 'none yet'}")
    told = [
        (waiting["changed"], "changed here", f" (the oldest since {waiting['oldest_change_at']})"
         if waiting["oldest_change_at"] else ""),
        (waiting["deleted"], "deleted here", ""),
        (waiting["conflicts"], "in dispute", ""),
        (waiting["decided"], "decided, for the next sync", ""),
        (waiting["refused"], "refused by Shopify", ""),
    ]  # fmt: skip
    waits = [f"{number:,} {words}{more}" for number, words, more in told if number]
    say(f"waiting: {', '.join(waits)}" if waits else "nothing waits")
    for name, entity in shop["entities"].items():
        proof = entity.get("verify")
        if proof and proof["status"] == "partial":
            say(f"{name}: the last verify found differences ({proof['finished_at']}); `shopify-sync verify {name}`")
    for error in shop["refused"][:5]:
        say(f"  refused: {error['record']} {error['field'] or ''}: {error['message']}; {error['remedy']}")


def _stopped(shop: dict[str, Any]) -> list[dict[str, Any]]:
    """The last runs that did not come to their end."""
    return [
        run
        for entity in shop["entities"].values()
        for direction in ("pull", "push", "verify", "undo")
        if (run := entity.get(direction)) and run["status"] in ("failed", "interrupted")
    ]


def _next(shop: dict[str, Any]) -> str:
    if shop["breaker"]["state"] != "closed":
        return "`shopify-sync breaker status`"
    for run in _stopped(shop):
        if run["error"] and run["error"].get("next"):
            return str(run["error"]["next"])
    if shop["waiting"]["conflicts"]:
        return "`shopify-sync conflicts list`"
    if shop["waiting"]["refused"]:
        return "correct what was refused, or `shopify-sync retry` to send it again as it is"
    if shop["waiting"]["changed"] or shop["waiting"]["deleted"] or shop["waiting"]["decided"]:
        return "`shopify-sync sync` sends what changed here"
    return "`shopify-sync sync`" if _stopped(shop) else ""


def _ago(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{max(0, seconds)} s ago"


@history_app.callback(invoke_without_command=True)
def history(
    ctx: typer.Context,
    entity: str = typer.Option(None, help="Only this entity."),
    status: str = typer.Option(None, help="Only runs that ended so: succeeded, partial, failed, …"),
    limit: int = typer.Option(20, min=1),
    since: str = typer.Option(None, help="Only runs since then (ISO 8601)."),
) -> int:
    """Runs, newest first."""
    if ctx.invoked_subcommand is not None:
        return 0
    options = options_of(ctx)
    with options.open_reader() as reader:
        found = reader.history(entity, status, limit, moment(since))
    if options.json:
        print_json({"runs": found})
        return 0
    rows = [
        (
            run["run_id"],
            f"{run['entity']} {run['direction']}",
            run["status"],
            run["started_at"],
            _took(run),
            run["counts"]["seen"],
            run["counts"]["created"],
            run["counts"]["updated"],
            run["counts"]["failed"],
            run["counts"]["conflicts"],
            run["api"]["points"],
        )
        for run in found
    ]
    columns = (
        "id",
        "run",
        "status",
        "started",
        "took",
        "seen",
        "created",
        "updated",
        "failed",
        "conflicts",
        "points",
    )
    print_table(columns, rows, right="id took seen created updated failed conflicts points")
    return 0


@history_app.command(
    "show", help="One run with what was refused in it.", epilog="Example: shopify-sync history show 12"
)
def show(ctx: typer.Context, run: int = typer.Argument(help="The run's id.")) -> int:
    options = options_of(ctx)
    with options.open_reader() as reader:
        found = reader.run(run)
    if found is None:
        raise UsageError(f"there is no run {run}", next="`shopify-sync history` shows which there are")
    if options.json:
        print_json(found)
        return 0
    facts = [(name, found[name]) for name in ("run_id", "entity", "direction", "status", "trigger", "started_at")]
    facts += [("took", _took(found)), *found["counts"].items(), *found["api"].items()]
    print_table(("field", "value"), facts)
    if found["error"]:
        say(f"stopped by: {found['error']['what']}")
    for note in found["notes"]:
        say(f"note: {note}")
    if found["errors"]:
        columns = ("record", "field", "message", "remedy", "resolved")
        print_table(
            columns, [(e["record"], e["field"], e["message"], e["remedy"], e["resolved_at"]) for e in found["errors"]]
        )
    return 0


@history_app.command("prune", help="Forget old runs; those with open refusals stay.")
def prune(
    ctx: typer.Context,
    older_than: str = typer.Option(..., "--older-than", help="Runs that ended longer ago: 30d, 12h, 45m."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say how many; forget none."),
) -> int:
    options = options_of(ctx)
    length = duration(older_than)
    with options.open_app(dry_run=dry_run) as opened:
        gone = opened.history_prune(length)
    if options.json:
        print_json({"dry_run": True, "pruned": gone} if dry_run else {"pruned": gone})
        return 0
    say(f"{gone:,} runs would be forgotten" if dry_run else f"{gone:,} runs forgotten")
    return 0


def _took(run: dict[str, Any]) -> str | None:
    if not (run["started_at"] and run["finished_at"]):
        return None
    took = datetime.fromisoformat(run["finished_at"]) - datetime.fromisoformat(run["started_at"])
    return f"{took.total_seconds():.0f} s"
