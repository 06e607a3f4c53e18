"""`init` and `doctor`."""

from __future__ import annotations

from pathlib import Path

import typer

from shopify_sync.cli._options import make_app, options_of
from shopify_sync.cli._output import print_json, print_table, say
from shopify_sync.errors import UsageError

init_app = make_app(no_args_is_help=False)
doctor_app = make_app(no_args_is_help=False)


@init_app.command(
    help="Write a commented configuration and create the database.\n\n"
    "Exit codes: 0 done, 2 the file exists, 7 database.",
    epilog="Example: shopify-sync init",
)
def init(
    ctx: typer.Context,
    file: Path = typer.Option(Path("config.yaml"), help="Where to write it."),
    force: bool = typer.Option(False, help="Write over a file that exists."),
) -> int:
    from shopify_sync.config import Flags, load
    from shopify_sync.store import migrate
    from shopify_sync.store.database import Database

    options = options_of(ctx)
    if file.exists() and not force:
        raise UsageError(f"{file} exists", next="give another with --file, or --force to write over it")
    try:
        file.write_text(_example(), encoding="utf-8")
        file.chmod(0o600)
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}", next="give another place with --file") from None
    database = Database(load(Flags(str(file), options.shop, options.database)).database_url)
    try:
        migrate.require(database)
    finally:
        database.dispose()
    if options.json:
        print_json({"config": str(file), "database": database.name})
        return 0
    say(f"wrote {file}")
    say(f"database ready at {database.name}")
    say("next: fill in shop and credentials, then run `shopify-sync doctor`")
    return 0


def _example() -> str:
    """The commented configuration: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "config.example.yaml"
    return (inside if inside.exists() else package.parent / inside.name).read_text(encoding="utf-8")


@doctor_app.command(
    help="Token, scopes, API version, clock, database, migrations: each ok, or how to mend it.\n\n"
    "Exit codes: 0 all fine, 2 configuration, 5 token or scopes, 6 Shopify can't be reached, 7 database.",
    epilog="Example: shopify-sync doctor",
)
def doctor(ctx: typer.Context) -> int:
    from shopify_sync.app import worst
    from shopify_sync.app.checks import of_configuration

    options = options_of(ctx)
    settings = options.settings()
    first = of_configuration(settings)
    if first.status == "fail":
        checks = [first]
    else:
        with options.open_app() as opened:
            checks = opened.doctor()
    code = worst(checks)
    if options.json:
        failed = any(check.status == "fail" for check in checks)
        print_json({"ok": not failed, "checks": [check.as_json() for check in checks]})
        return code
    print_table(("", "check", "detail"), [(check.status, check.name, check.detail) for check in checks])
    for check in checks:
        if check.next:
            say(f"next: {check.name}: {check.next}")
    return code
