"""`config …`: the settings in force and where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from shopify_sync.cli._options import make_app, options_of
from shopify_sync.cli._output import print_json, print_table, say
from shopify_sync.errors import ConfigError

if TYPE_CHECKING:
    from shopify_sync.config import Settings

app = make_app(help="The settings in force: flags over environment over file over defaults.")


@app.command(help="Every setting as it is in force, secrets masked.", epilog="Example: shopify-sync config show")
def show(ctx: typer.Context) -> int:
    from shopify_sync.config import shown

    options = options_of(ctx)
    found = shown(options.settings())
    if options.json:
        print_json(found)
        return 0
    rows = []
    for name, value in found.items():
        if isinstance(value, dict):
            rows += [(f"{name}.{key}", item) for key, item in value.items()]
        else:
            rows.append((name, value))
    print_table(("setting", "value"), [(name, None if value is None else str(value)) for name, value in rows])
    return 0


@app.command(help="Check the configuration.\n\nExit codes: 0 fine, 2 mistakes, each told with its line.")
def validate(ctx: typer.Context) -> int:
    options = options_of(ctx)
    settings = options.settings()
    settings.require_shop()
    _require_fields(settings)
    where = str(settings.path) if settings.path else None
    print_json({"valid": True, "path": where}) if options.json else say(f"fine: {where or 'environment and flags'}")
    return 0


def _require_fields(settings: Settings) -> None:
    """Raises ConfigError for policies of fields that no entity has."""
    named = {name: chosen.fields for name, chosen in settings.entities.items() if chosen.fields}
    if not named:
        return
    from shopify_sync.app.running import declaration, unknown_fields

    problems = [line for name, fields in named.items() for line in unknown_fields(declaration(name), fields)]
    if problems:
        raise ConfigError(
            "the configuration has mistakes",
            problems=problems,
            next="correct them; `shopify-sync config validate` checks again",
        )


@app.command(help="Which file is read.")
def path(ctx: typer.Context) -> int:
    from shopify_sync.config import Flags, find_file

    options = options_of(ctx)
    found = find_file(Flags(config=options.config))
    if options.json:
        print_json({"path": str(found) if found else None})
    else:
        say(str(found) if found else "none; `shopify-sync init` writes one")
    return 0
