"""The commands. One file a group; each parses, calls one function, prints.

Commands are found by name in a table, so help, version and completion import none of them.
"""

from __future__ import annotations

import errno
import importlib
import sys
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from shopify_sync.cli._options import Options, make_app
from shopify_sync.errors import SyncError, UsageError

COMMANDS = {
    "demo": ("demo", "See products travel both ways, on a sandbox shop."),
    "init": ("setup", "Write a configuration and create the database."),
    "doctor": ("setup", "Check token, scopes, API version, clock, database."),
    "plan": ("plan", "Show what sync would do, field by field; changes nothing."),
    "apply": ("plan", "Carry out a saved plan, exactly, or refuse what moved."),
    "undo": ("undo", "Put back what a run changed, on both sides."),
    "sync": ("sync", "Pull, then push; all entities in dependency order."),
    "verify": ("verify", "Prove both sides equal, or name what differs; --repair."),
    "products": ("products", "Products: pull, push, sync, list, show."),
    "import": ("importing", "Read products from Shopify's CSV or JSONL."),
    "status": ("status", "Last run of each entity, what waits, breaker."),
    "history": ("status", "Runs: list, show one with its errors, prune."),
    "retry": ("sync", "Send again what Shopify refused."),
    "conflicts": ("conflicts", "What both sides changed: list, show, resolve, undo."),
    "breaker": ("breaker", "The circuit breaker: status, reset, trip."),
    "config": ("configuration", "The settings in force: show, validate, path."),
    "db": ("db", "The database: upgrade, current, check."),
    "sandbox": ("sandbox", "A simulated shop on this machine: serve, seed, reset."),
}


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are called."""

    _brief = False

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: Any, name: str) -> Any:
        if name not in COMMANDS:
            return None
        module, brief = COMMANDS[name]
        if self._brief:
            return TyperCommand(name, help=brief)
        found = importlib.import_module(f"shopify_sync.cli.{module}")
        app = cast(typer.Typer, getattr(found, f"{name}_app", None) or found.app)
        command = typer.main.get_command(app)
        command.name = name
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._brief = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._brief = False

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        self._brief = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._brief = False

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        # The suggestion of a near name looks at this table, which is empty for a lazy group.
        self.commands = cast(Any, dict.fromkeys(COMMANDS))
        return super().resolve_command(ctx, args)


app = make_app(cls=LazyGroup, add_completion=True)


@app.callback()
def root(
    ctx: typer.Context,
    config: str = typer.Option(None, help="Configuration file (default: ./config.yaml)."),
    shop: str = typer.Option(None, help="A shop's name in the configuration, or its domain."),
    database: str = typer.Option(None, help="Database URL: sqlite:///file.db or postgresql://…"),
    json: bool = typer.Option(False, "--json", help="One JSON document on standard output, nothing else."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Say only what went wrong."),
    verbose: int = typer.Option(0, "--verbose", "-v", count=True, help="Log to standard error; -vv for more."),
    no_progress: bool = typer.Option(False, "--no-progress", help="No progress display."),
    log_format: str = typer.Option(None, help="text or json."),
    version: bool = typer.Option(False, "--version", "-V", help="Show the version and exit."),
) -> None:
    """Keep a Shopify store and a SQL database the same, in both directions.

    New here? `shopify-sync demo` shows everything on a simulated shop, without a store.
    The options below may stand before or behind the command.
    """
    if version:
        from shopify_sync import __version__

        typer.echo(f"shopify-sync {__version__}")
        raise typer.Exit
    ctx.obj = Options(config, shop, database, json, quiet, verbose, no_progress, log_format)
    ctx.obj.begin_logging()


def invoke(arguments: list[str]) -> int:
    """Run one command line; its exit code. Every error is printed here, in one form."""
    from shopify_sync.cli._output import print_error

    as_json = "--json" in arguments
    verbose = sum(a.count("v") for a in arguments if a in ("-v", "-vv")) + arguments.count("--verbose")
    try:
        code = app(arguments, prog_name="shopify-sync", standalone_mode=False)
    except SyncError as error:
        return print_error(error, as_json=as_json)
    except KeyboardInterrupt:
        raise
    except BrokenPipeError:
        raise
    except Exception as error:
        if hasattr(error, "format_message"):  # the command line itself
            return _usage(error, as_json=as_json)
        if type(error).__name__ == "Abort":
            raise KeyboardInterrupt from None
        if verbose >= 2:
            import traceback

            traceback.print_exc()
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise  # the output's disk is full; a database's never comes as an OSError
        unexpected = SyncError(
            f"{type(error).__name__} at an unexpected place",
            why="this is a fault of shopify-sync",
            next="run the command again with -vv and report the traceback",
        )
        return print_error(unexpected, as_json=as_json)
    if code == 130:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _usage(error: Any, *, as_json: bool) -> int:
    from shopify_sync.cli._output import print_error

    context: Any = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stdout.write(context.get_help() + "\n")
        return 0
    path = context.command_path if context is not None else "shopify-sync"
    return print_error(
        UsageError(error.format_message(), next=f"`{path} --help` shows how it is called"), as_json=as_json
    )
