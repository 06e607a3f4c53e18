"""`db …`: the database's version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from shopify_sync.cli._options import Options, make_app, options_of
from shopify_sync.cli._output import print_json, say

if TYPE_CHECKING:
    from shopify_sync.store.database import Database

app = make_app(help="The database: bring its tables up to date, or look.")


@contextmanager
def _open(options: Options) -> Iterator[Database]:
    from shopify_sync.store.database import Database

    database = Database(options.settings().database_url)
    try:
        yield database
    finally:
        database.dispose()


@app.command(help="Make or upgrade the tables, all or nothing.\n\nExit codes: 0 done, 7 database.")
def upgrade(ctx: typer.Context) -> int:
    from shopify_sync.store import migrate

    options = options_of(ctx)
    with _open(options) as database:
        before, after = migrate.upgrade(database)
        name = database.name
    if options.json:
        print_json({"database": name, "before": before, "after": after})
    else:
        say(f"{name}: " + (f"at {after} already" if before == after else f"{before or 'empty'} → {after}"))
    return 0


@app.command(help="The version that the database is at.\n\nExit codes: 0 done, 7 database.")
def current(ctx: typer.Context) -> int:
    from shopify_sync.store import migrate

    options = options_of(ctx)
    with _open(options) as database:
        at = migrate.current(database)
    if options.json:
        print_json({"current": at, "head": migrate.HEAD})
    else:
        say(f"{at or 'no tables'} (this program: {migrate.HEAD})")
    return 0


@app.command(help="Compare the tables with what this program expects.\n\nExit codes: 0 equal, 7 different.")
def check(ctx: typer.Context) -> int:
    from sqlmodel import SQLModel

    from shopify_sync.entities import NAMES, entity
    from shopify_sync.store import migrate, tables  # noqa: F401 - known before they are compared

    options = options_of(ctx)
    for name in NAMES:
        entity(name)
    with _open(options) as database:
        at = migrate.current(database)
        differences = (
            migrate.check(database, SQLModel.metadata) if at == migrate.HEAD else [f"at {at}, not at {migrate.HEAD}"]
        )
    if options.json:
        print_json({"current": at, "head": migrate.HEAD, "differences": differences})
    elif differences:
        for difference in differences:
            say(f"  {difference}")
        say("next: `shopify-sync db upgrade`")
    else:
        say(f"version {at}, tables as expected")
    return 7 if differences else 0
