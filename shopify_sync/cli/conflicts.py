"""`conflicts …`: what both sides changed: look, decide, look back, take back."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from shopify_sync.cli._options import Options, make_app, options_of
from shopify_sync.cli._output import print_json, print_table, say
from shopify_sync.errors import UsageError

if TYPE_CHECKING:
    from shopify_sync.app import App
    from shopify_sync.app.deciding import Selection

app = make_app(
    help="What both sides changed: list, show, resolve, log, undo.\n\n"
    "A decision is queued; the next sync carries it out. Where the side that is to give way has moved by then, "
    "nothing is overwritten: the conflict is open again, with the new values."
)

_KEYS = (
    "id", "entity", "record_key", "local_id", "shopify_id", "type", "field_path", "base", "local", "remote", "status",
    "decision", "merged", "decided_by", "decided_at", "closed_reason", "policy", "run_id", "shop_id", "created_at",
)  # fmt: skip


@app.command(
    "list",
    help="Open conflicts, and decided ones that wait for a sync.\n\nExit codes: 0 none is open, 4 some are.",
    epilog="Example: shopify-sync conflicts list --entity products",
)
def list_(
    ctx: typer.Context,
    entity: str = typer.Option(None, help="Only this entity."),
    record: str = typer.Option(None, metavar="KEY", help="Only this record, by its handle."),
    every: bool = typer.Option(False, "--all", help="Closed ones as well."),
) -> int:
    from shopify_sync.cli._values import brief

    options = options_of(ctx)
    found = _read(options, None if every else "waiting", entity, record)
    open_ = sum(row["status"] == "open" for row in found)
    decided = sum(row["status"] == "decided" for row in found)
    code = 4 if open_ else 0
    if options.json:
        print_json({"open": open_, "decided": decided, "conflicts": found})
        return code
    if found:
        rows = [
            (
                row["id"],
                row["status"],
                brief(row["record_key"], 40),
                brief(row["field_path"] or "whole record", 60),
                brief(row["local"], 24),
                brief(row["remote"], 24),
            )
            for row in found
        ]
        print_table(("id", "status", "record", "in dispute", "here", "shopify"), rows, right="id")
    say(f"{open_:,} open, {decided:,} decided" if open_ or decided else "no conflict waits")
    if open_:
        say("next: `shopify-sync conflicts show ID`, or `conflicts resolve --interactive`")
    elif decided:
        say("next: `shopify-sync sync` carries out what is decided")
    return code


@app.command(
    help="One conflict: base, here, on Shopify, side by side; long text word by word.",
    epilog="Example: shopify-sync conflicts show 3",
)
def show(ctx: typer.Context, conflict: int = typer.Argument(metavar="ID", help="The conflict's id.")) -> int:
    from shopify_sync.cli._card import print_conflict, print_next
    from shopify_sync.cli._values import screen

    options = options_of(ctx)
    with options.open_reader() as reader:
        found = reader.conflict(conflict) if 0 < conflict < 2**31 else None
    if found is None:
        raise UsageError(
            f"there is no conflict {conflict}", next="`shopify-sync conflicts list --all` shows which there are"
        )
    if options.json:
        print_json(_row(found))
        return 0
    out = screen()
    print_conflict(out, found)
    print_next(out, found)
    return 0


@app.command(
    help="Choose a side, or give a value of your own, for one conflict or many.\n\n"
    "The choice is queued: the next sync carries it out, and `conflicts undo ID` takes it back until then. If by then "
    "the side that is to give way no longer has the value shown here, nothing is overwritten: the conflict is open "
    "again, and `list` and `show` have the new values. Where several rows are one record on Shopify, no side can be "
    "taken: give all but one another handle, or delete them.\n\nExit codes: 0 done, 2 usage (nothing was queued), "
    "7 database.",
    epilog="Examples: shopify-sync conflicts resolve 3 4 --take local · "
    "shopify-sync conflicts resolve --record blue-tee --take shopify · "
    "shopify-sync conflicts resolve 5 --take merged --value 'Blue Tee'",
)
def resolve(
    ctx: typer.Context,
    conflicts: list[int] = typer.Argument(None, metavar="[ID]…", help="Conflicts by their ids."),
    take: str = typer.Option(None, help="local (as it is here), shopify, or merged (see --value)."),
    value: str = typer.Option(
        None, help="The merged value: text, or JSON for a field that holds none; - reads standard input."
    ),
    field: str = typer.Option(None, help="Only this field: its path, or variants.price for that of any variant."),
    entity: str = typer.Option(None, help="All open ones of this entity."),
    record: str = typer.Option(None, metavar="KEY", help="All open ones of this record, by its handle."),
    every: bool = typer.Option(False, "--all", help="All open ones."),
    interactive: bool = typer.Option(False, "--interactive", "-i", help="Ask about each open one."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say which are meant; queue nothing."),
) -> int:
    from shopify_sync.app.deciding import Selection, choose, resolve

    options = options_of(ctx)
    many = every or interactive or entity is not None or record is not None
    if every and conflicts:
        raise UsageError("--all and ids exclude each other", next="give one of them")
    selection = Selection(tuple(conflicts or ()), many and not conflicts, entity, record, field)
    if interactive:
        return _walk(options, selection, take, value)
    if dry_run and not interactive:
        return _meant(options, selection)
    if take is None:
        raise UsageError("nothing says which side wins", next="give --take local|shopify|merged, or --interactive")
    if value == "-":
        value = sys.stdin.read().removesuffix("\n")
    with _shop(options) as (opened, shop_id):
        meant = choose(opened.database, shop_id, selection) if selection.every else []
        left = [row["id"] for row in meant if row["policy"] == "ambiguous"]
        rows = resolve(opened.database, shop_id, opened.clock, selection, take=take, by=_who(), value=value)
    if options.json:
        print_json({"queued": len(rows), "decisions": [_row(row) for row in rows]})
        return 0
    if not options.quiet:
        if len(rows) > 1:
            records = len({(row["entity"], row["local_id"], row["record_key"]) for row in rows})
            say(f"{len(rows):,} conflicts of {records:,} record{_s(records)}: {take}")
        _tell_queued(len(rows))
        _tell_deletions(rows)
        if left:
            say(f"note: no side can be taken of conflict {', '.join(map(str, left))}; `conflicts show` says what to do")
    return 0


def _meant(options: Options, selection: Selection) -> int:
    from shopify_sync.app.deciding import choose

    with _shop(options) as (opened, shop_id):
        rows = choose(opened.database, shop_id, selection)
    if options.json:
        print_json({"dry_run": True, "queued": len(rows), "decisions": [_row(row) for row in rows]})
        return 0
    for row in rows:
        say(f"{row['id']}: {row['record_key']} {row['field_path'] or 'as a whole'}")
    say(f"{len(rows):,} conflict{_s(len(rows))} would be decided; nothing was queued")
    return 0


@app.command(
    "log",
    help="Every conflict with what was decided, by whom, when and why; the newest first.\n\n"
    "Who is `user:NAME` for a person, `policy:PREFER` for a policy of the configuration, `sync` for what became moot.",
    epilog="Example: shopify-sync conflicts log --record blue-tee",
)
def log(
    ctx: typer.Context,
    entity: str = typer.Option(None, help="Only this entity."),
    record: str = typer.Option(None, metavar="KEY", help="Only this record, by its handle."),
    limit: int = typer.Option(50, min=1, help="This many at most."),
) -> int:
    from shopify_sync.cli._values import brief

    options = options_of(ctx)
    found = _read(options, None, entity, record, newest=limit)
    if options.json:
        print_json({"log": found})
        return 0
    rows = [
        (
            row["id"],
            row["decided_at"] or row["created_at"],
            brief(row["record_key"], 40),
            brief(row["field_path"] or "whole record", 60),
            row["decision"] or row["status"],
            row["decided_by"],
            row["closed_reason"] or ("waits for a sync" if row["status"] == "decided" else "waits for a decision"),
        )
        for row in found
    ]
    if rows:
        print_table(("id", "when", "record", "in dispute", "decision", "by", "reason"), rows, right="id")
    else:
        say("no conflict has ever been found")
    return 0


@app.command(
    help="Take a decision back.\n\nOne that waits for a sync is open again. Of one that was carried out, the value "
    "that had lost is written here as a local edit, and the next sync takes it to Shopify; only single fields can be "
    "put back, and only while they hold what the decision left.\n\nExit codes: 0 done, 2 it can't be undone.",
    epilog="Example: shopify-sync conflicts undo 3",
)
def undo(
    ctx: typer.Context,
    conflict: int = typer.Argument(metavar="ID", help="The conflict's id."),
    take: str = typer.Option(None, help="Where it was merged: which side's value comes back, local or shopify."),
) -> int:
    from shopify_sync.app.deciding import undo
    from shopify_sync.cli._values import brief

    options = options_of(ctx)
    with _shop(options) as (opened, shop_id):
        done = undo(opened.database, shop_id, opened.clock, conflict, by=_who(), take=take)
    row = done.row
    if options.json:
        named = {name: row[name] for name in ("id", "entity", "record_key", "local_id", "field_path")}
        print_json(named | {"effect": done.effect, "take": done.take, "value": done.value})
        return 0
    if options.quiet:
        return 0
    if done.effect == "reopened":
        say(f"conflict {conflict} is open again")
        say(f"next: `shopify-sync conflicts show {conflict}`")
    else:
        back = brief(done.value, 60, "(null)")
        say(f"{brief(row['record_key'], 40)} {brief(row['field_path'], 60)}: {back} ({done.take}) is back")
        say("next: `shopify-sync sync` carries it over")
    return 0


def _walk(options: Options, selection: Selection, take: str | None, value: str | None) -> int:
    from shopify_sync.app.deciding import Selection, choose, resolve
    from shopify_sync.cli._walk import walk

    if options.json or take is not None or value is not None:
        raise UsageError(
            "--interactive asks, so it takes no --take, --value or --json",
            next="leave out --interactive, or the others",
        )
    with _shop(options) as (opened, shop_id):
        rows = [row for row in choose(opened.database, shop_id, selection) if row["status"] == "open"]

        def queue(row: dict[str, Any], chosen: str, text: str | None) -> None:
            one = Selection((row["id"],))
            resolve(opened.database, shop_id, opened.clock, one, take=chosen, by=_who(), value=text, seen=row)

        done = walk([_row(row) for row in rows], queue)
    if not rows:
        say("no conflict waits")
        return 0
    if left := len(rows) - done:
        say(f"{left:,} left open")
    _tell_queued(done)
    return 0


def _tell_queued(count: int) -> None:
    if count == 0:
        say("queued: 0 decisions")
    else:
        say(f"queued: {count:,} decision{_s(count)}; `shopify-sync sync` carries {'it' if count == 1 else 'them'} out")


def _tell_deletions(rows: Sequence[dict[str, Any]]) -> None:
    """A choice that deletes is never silent."""
    from shopify_sync.cli._values import brief

    lost = {"local": ("local", "on Shopify"), "shopify": ("remote", "here")}
    for row in rows:
        side, where = lost.get(row["decision"], ("", ""))
        if side and row[side] is None and (row["field_path"] == "" or row["field_path"].endswith("]")):
            what = brief(f"{row['record_key']} {row['field_path']}".strip(), 80)
            say(f"note: {what} was deleted on the side that wins, so it goes {where} as well")


@contextmanager
def _shop(options: Options) -> Iterator[tuple[App, int]]:
    """The program, and the shop whose conflicts are meant; credentials are not needed."""
    from shopify_sync.app.deciding import shop_id_of

    with options.open_app() as opened:
        yield opened, shop_id_of(opened.database, opened.settings.shop.domain)


def _read(
    options: Options, status: str | None, entity: str | None, record: str | None, newest: int | None = None
) -> list[dict[str, Any]]:
    domain = options.settings().shop.domain if options.shop else None
    with options.open_reader() as reader:
        return [_row(row) for row in reader.conflicts(status, entity, record=record, domain=domain, newest=newest)]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """The contract's keys, in its order."""
    return {name: _moment(row[name]) for name in _KEYS}


def _moment(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return value


def _who() -> str:
    """Who decides, for the log: the name of the login."""
    import getpass
    import os

    try:
        return f"user:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"user:{os.getuid()}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
