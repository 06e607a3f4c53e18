"""What commands print: tables for people, one JSON document for programs, errors as blocks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from shopify_sync.errors import ConfigError, SyncError

if TYPE_CHECKING:
    from rich.console import Console

    from shopify_sync.cli._options import Options
    from shopify_sync.records import RunResult

_COLOURS = {
    "succeeded": "green",
    "ok": "green",
    "closed": "green",
    "partial": "yellow",
    "warn": "yellow",
    "deferred": "yellow",
    "interrupted": "yellow",
    "half_open": "yellow",
    "failed": "red",
    "fail": "red",
    "open": "red",
}


# Columns whose words are never broken: on a narrow terminal the others give way.
_WHOLE = {"run", "status", "direction", "field"}


def console(*, stderr: bool = False) -> Console:
    """A console that keeps to 80 columns or the terminal's width, and to NO_COLOR."""
    from rich.console import Console

    class Quits(Console):
        def on_broken_pipe(self) -> None:
            """rich would end with 1, the code of a fault of ours; `main` knows better."""
            raise BrokenPipeError

    made = Quits(stderr=stderr, highlight=False, soft_wrap=False)
    if not made.is_terminal:
        # A pipe has no width; wide enough that nothing a program may want to cut out is folded.
        made = Quits(stderr=stderr, highlight=False, width=200, color_system=None)
    return made


def print_json(document: Any) -> None:
    """The one document on standard output."""
    import orjson

    text = orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str)
    sys.stdout.write(text.decode() + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", right: str = "") -> None:
    """A table; `right` names the columns of numbers, separated by spaces."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    if title:  # a Text: a shop may be called [bold]
        table.title = Text(title, style="bold")
    numbers = set(right.split())
    for column in columns:
        number = column in numbers
        whole = number or column in _WHOLE
        table.add_column(column, justify="right" if number else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        cells = zip(columns, row, strict=True)
        table.add_row(*(Text(shown(cell, name), style=_COLOURS.get(str(cell), "")) for name, cell in cells))
    console().print(table)


def shown(value: Any, column: str = "") -> str:
    """A cell's text: a dash for None, counts with separators, ids as one would copy them."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if column == "id" else f"{value:,}"
    if isinstance(value, list | dict):
        import json

        return json.dumps(value, ensure_ascii=False)
    return str(value)


def say(text: str) -> None:
    """A line for people on standard output."""
    console().print(text, markup=False, soft_wrap=True)  # a command that one copies stays one line


def print_error(error: SyncError, *, as_json: bool) -> int:
    """Tell what went wrong, why, and what to do; the exit code."""
    if as_json:
        print_json({"error": error.as_json()})
        return error.exit_code
    print_block(error.as_json(), error.problems if isinstance(error, ConfigError) else ())
    return error.exit_code


def print_block(error: dict[str, Any], problems: Sequence[str] = ()) -> None:
    """The error block of the style guide, on standard error."""
    from rich.text import Text

    out = console(stderr=True)
    out.print(Text.assemble(("error: ", "bold red"), (error["code"], "bold")))
    lines = [("", error["what"]), *(("  - ", problem) for problem in problems)]
    lines += [(f"{word}: ".ljust(6), error[word]) for word in ("why", "next") if error.get(word)]
    for label, text in lines:
        out.print(Text(f"  {label}{text}"))


def print_runs(results: Sequence[RunResult], options: Options, *, alone: bool = False) -> None:
    """What runs did: the contract's JSON, or a table, the refusals with their remedies, and what to do next."""
    if options.json:
        documents = [result.as_json() for result in results]
        if alone and len(documents) == 1:
            print_json(documents[0])
        else:
            print_json({"status": overall(results), "runs": documents})
        return
    if not options.quiet:
        print_counts(results)
    for result in results:
        for error in result.errors[:20]:
            where = f" · {error.field_path}" if error.field_path else ""
            err(f"  {error.record_key}{where}: {error.message}")
            if error.remedy:
                err(f"      next: {error.remedy}")
        if len(result.errors) > 20:
            err(f"  … and {len(result.errors) - 20} more: `shopify-sync history show {result.run_id}`")
        if result.error:
            print_block(result.error)
        if not options.quiet:
            for note in result.notes:
                say(f"  note: {note}")
    if not options.quiet and (following := _next(results)):
        say(f"next: {following}")


def overall(results: Sequence[RunResult]) -> str:
    """The worst status of several runs."""
    order = ("failed", "interrupted", "deferred", "skipped", "partial", "running", "succeeded")
    statuses = {result.status for result in results}
    return next((status for status in order if status in statuses), "succeeded")


def err(text: str) -> None:
    console(stderr=True).print(text, markup=False)


# What a run may have done, in the words of the table.
_DONE = {
    "created": "new",
    "updated": "updated",
    "unchanged": "same",
    "deleted": "deleted",
    "conflicts": "in conflict",
    "failed": "failed",
}


def print_counts(results: Sequence[RunResult], *, title: str = "") -> None:
    """One row a run: what it did, requests, points, time."""
    rows = [
        (
            f"{result.entity} {result.direction}",
            result.status,
            result.counts.seen,
            ", ".join(f"{n:,} {word}" for name, word in _DONE.items() if (n := getattr(result.counts, name))),
            result.api.requests,
            result.api.points,
            _took(result),
        )
        for result in results
    ]
    columns = ("run", "status", "seen", "of which", "requests", "points", "time")
    print_table(columns, rows, title=title, right="seen requests points time")


def _took(result: RunResult) -> str | None:
    if not (result.started_at and result.finished_at):
        return None
    return f"{(result.finished_at - result.started_at).total_seconds():.1f} s"


def _next(results: Sequence[RunResult]) -> str:
    if any(result.counts.failed for result in results):
        return "correct what was refused, then run `shopify-sync sync`, or `shopify-sync retry` as it is"
    if any(result.counts.conflicts for result in results):
        return "`shopify-sync conflicts list` shows what both sides changed"
    return ""
