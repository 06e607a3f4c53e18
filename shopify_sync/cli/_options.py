"""The options that all commands share, and what commands make of them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Unpack, cast

import typer

from shopify_sync.errors import UsageError

if TYPE_CHECKING:
    from shopify_sync.app import App, Switches
    from shopify_sync.config import Settings
    from shopify_sync.store.reading import Reader


def make_app(**options: Any) -> typer.Typer:
    """A group of commands as all of ours are: plain help, our own errors."""
    defaults: dict[str, Any] = {"no_args_is_help": True, "add_completion": False}
    return typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        **(defaults | options),
    )


# The flags that lift a brake for one command; each is named by the brake that it lifts.
ALLOW_DELETES = typer.Option(False, "--allow-mass-delete", help="Let more deletions through than `max_delete`.")
ALLOW_CHANGES = typer.Option(False, "--allow-mass-change", help="Let a run through that changes every record.")
ACCEPT_RESTORE = typer.Option(False, "--accept-restore", help="Go on with a database restored from a backup.")
UNDELETE = typer.Option(False, "--undelete", help="Bring back from Shopify what was deleted here.")
DRY_RUN = typer.Option(False, "--dry-run", help="Show the plan, field by field; write nothing.")


@dataclass(frozen=True, slots=True)
class Options:
    """What stands before (or behind) the command."""

    config: str | None
    shop: str | None
    database: str | None
    json: bool
    quiet: bool
    verbose: int
    no_progress: bool
    log_format: str | None

    def settings(self) -> Settings:
        """Everything that is set, checked. Raises ConfigError."""
        from shopify_sync.config import Flags, load

        settings = load(Flags(self.config, self.shop, self.database, self.log_format))
        if settings.log_format != (self.log_format or "text"):  # the file says so; until here nothing was logged
            self.begin_logging(settings.log_format)
        return settings

    def begin_logging(self, log_format: str | None = None) -> None:
        """Logs go to standard error: warnings always, with -v what happens, with -vv each request."""
        level = {0: logging.WARNING, 1: logging.INFO}.get(self.verbose, logging.DEBUG)
        if self.quiet:
            level = logging.ERROR
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(
            JsonLines() if (log_format or self.log_format) == "json" else logging.Formatter("%(levelname)s %(message)s")
        )
        logger = logging.getLogger("shopify_sync")
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level)

    @contextmanager
    def open_app(self, **flags: Unpack[Switches]) -> Iterator[App]:
        """The program for one command, with progress where somebody watches. `flags` are those of `App`."""
        from shopify_sync.app import open_app
        from shopify_sync.cli._progress import progress_for

        with open_app(self.settings(), progress=progress_for(self), **flags) as app:
            yield app

    @contextmanager
    def open_reader(self) -> Iterator[Reader]:
        """Fast reads, without models."""
        from shopify_sync.store.reading import open_reader

        with open_reader(self.settings().database_url) as reader:
            yield reader


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        import json

        return json.dumps(
            {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": record.getMessage(),
            }
        )


def options_of(ctx: typer.Context) -> Options:
    return cast(Options, ctx.obj)


def moment(text: str | None) -> datetime | None:
    """An ISO 8601 time; without a zone it is UTC. Raises UsageError."""
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time", next="give it as 2026-11-24 or 2026-11-24T12:00:00Z") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def duration(text: str) -> timedelta:
    """`30d`, `12h`, `45m`. Raises UsageError."""
    units = {"d": "days", "h": "hours", "m": "minutes"}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.isdigit():
        raise UsageError(f"{text!r} is no length of time", next="give it as 30d, 12h or 45m")
    return timedelta(**{units[unit]: int(number)})
